"""Acts are values: each can be written as code, and those that lead to a crystal as JSON; old names lead on."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from operator import attrgetter

import pytest

from xcrystal.errors import ReadError
from xcrystal.explorer.session import commands
from xcrystal.explorer.session.aliases import ALIASES
from xcrystal.explorer.session.commands import Command, Move, PlainCrystal, Substitute, read_command
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

CALLED = [
    kind for kind in vars(commands).values() if isinstance(kind, type) and issubclass(kind, Command) and kind.call
]
ROCK_SALT = PlainCrystal((4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 4.0), ("Na", "Cl"), (0.0,) * 3 + (0.5,) * 3)


@pytest.fixture(scope="module")
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.mark.parametrize("kind", CALLED, ids=lambda kind: kind.__name__)
def test_each_act_is_a_call_that_a_session_answers(session: Session, kind: type[Command]) -> None:
    parameters = inspect.signature(attrgetter(kind.call)(session)).parameters
    given = [one for one in fields(kind) if not one.metadata.get("result")]
    positional = [one for one in given if not one.kw_only]
    assert len(positional) <= len(parameters)
    assert {one.name for one in given if one.kw_only} <= set(parameters)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Move("principal 1", -0.5), "session.move('principal 1', -0.5)"),
        (Substitute(1, "Zr", words="Ti became Zr"), "session.modifications.substitute(1, 'Zr')"),
        (
            Substitute(1, "Zr", only_atom=2, cell="primitive"),
            "session.modifications.substitute(1, 'Zr', only_atom=2, cell='primitive')",
        ),
        (
            commands.Load(ROCK_SALT),
            "session.load(Structure([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]], ['Na', 'Cl'], "
            "[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]))",
        ),
        (commands.Go((0.1, -2.0)), "session.go([0.1, -2])"),
        (
            commands.Steer("band_gap", "lower", steps=2, hold=("elements",)),
            "session.steer('band_gap', 'lower', steps=2, hold=('elements',))",
        ),
    ],
)
def test_an_act_is_written_as_code_and_as_json(command: Command, code: str) -> None:
    assert command.code() == code
    again = read_command(json.loads(json.dumps(command.plain())))
    assert again == command and (again.title, again.label("x")) == (command.title, command.label("x"))


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"do": "hide"},
        {"do": "move", "axis": "principal 1"},
        {"do": "move", "axis": "principal 1", "value": True},
        {"do": "move", "axis": "principal 1", "value": 1.0, "more": 1},
        {"do": "move", "axis": "principal 1", "value": float("nan")},
        {"do": "load", "source": {"matrix": [1.0], "species": ["H"], "frac_coords": [0, 0, 0]}},
    ],
)
def test_what_is_no_act_is_refused(content: object) -> None:
    with pytest.raises(ReadError):
        read_command(content)


@pytest.mark.parametrize("name", ALIASES)
def test_old_names_lead_on_with_a_warning(session: Session, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"session.{name} is now session.{ALIASES[name]}"):
        found = getattr(session, name)
    now = attrgetter(ALIASES[name])(session)
    assert found is now or found == now if callable(now) else type(found) is type(now)


def test_names_that_never_were_are_errors(session: Session) -> None:
    with pytest.raises(AttributeError, match="no attribute 'tea'"):
        session.tea  # noqa: B018
