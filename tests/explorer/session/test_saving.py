"""A session can be written down and opened again; what comes from a file is not trusted."""

from __future__ import annotations

import ast
import copy
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import xcrystal
from tests.crystals import CRYSTALS
from xcrystal.errors import ReadError, TargetError
from xcrystal.explorer import settings as remembered
from xcrystal.explorer.session.commands import read_command
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.saving.old_code import command_of_line
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

DRAWING = ("polyhedra", "style", "element_colors", "hidden", "perspective", "labels")


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def other(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


def tour(session: Session) -> None:
    """Something of everything."""
    session.select("mp-22862")
    session.set_end("A")
    session.load(CRYSTALS["perovskite SrTiO3"].to_structure())
    session.set_end("B")
    session.interpolate("spherical", 4)
    session.search("Na-Cl")
    session.move(1, 0.75)
    session.settle()
    session.display.color_by("band_gap")
    session.display.show_supercell((2, 1, 3))
    session.display.show_bonds(False)
    session.display.show_perspective(True)
    session.display.label_atoms("elements")
    session.display.show_polyhedra(False)
    session.display.show_style("space-filling")
    session.display.show_element_colors("vesta")
    session.display.hide_elements(["O", "H"])
    session.sliders.show_axes("property")


def same(one: Session, other: Session) -> None:
    for name in ("color", "shown", "cell", "supercell", "boundary", "bonds", "why", "family", "latents", *DRAWING):
        assert getattr(one.state, name) == getattr(other.state, name), name
    np.testing.assert_allclose(one.z, other.z, atol=1e-5)
    assert one.structure.composition == other.structure.composition
    assert (one.state.loaded is None) == (other.state.loaded is None)
    if one.state.path is not None and other.state.path is not None:
        assert (one.state.path.kind, len(one.state.path.frames)) == (
            other.state.path.kind,
            len(other.state.path.frames),
        )
        for mine, theirs in zip(one.state.path.frames, other.state.path.frames, strict=True):
            np.testing.assert_allclose(mine.z, theirs.z, atol=1e-5)


def test_json_brings_everything_back(session: Session, other: Session, tmp_path: Path) -> None:
    tour(session)
    session.controls.hide("find")
    session.controls.show_mode("researcher")
    session.save(tmp_path / "lesson.json")
    assert other.file.open(tmp_path / "lesson.json"), other.message
    same(session, other)
    assert other.state.selection is not None and session.state.selection is not None
    np.testing.assert_array_equal(other.state.selection.rows, session.state.selection.rows)
    assert (other.controls.mode, other.controls.hidden) == ("researcher", {"find"})
    assert other.state.loaded is not None and other.state.loaded.structure == session.state.loaded.structure
    other.undo()
    assert other.place_in_history == 0


def test_code_brings_a_new_explorer_to_the_same_view(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    tour(session)
    scope: dict[str, Any] = {}
    monkeypatch.setattr(remembered, "recall", dict)
    exec(session.code(), scope)
    explorer = scope["explorer"]
    try:
        same(session, explorer.session)
        assert explorer.session.state.selection.title == session.state.selection.title
    finally:
        explorer.close()


def test_code_says_which_files_it_reads(session: Session, other: Session, tmp_path: Path) -> None:
    """Also that of a session from somebody else, whose paths mean nothing here, or something else."""
    path = tmp_path / "salt\nimport this.cif"
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(path), fmt="cif")
    assert session.load(str(path)), session.message
    assert other.file.open_json(session.file.to_json()), other.message
    for code in (session.code(), other.code()):
        before, line = next(pair for pair in itertools.pairwise(code.splitlines()) if "session.load(" in pair[1])
        assert before == f"# this reads a file of the machine on which it runs: {str(path)!r}"
        assert repr(str(path)) in line


@pytest.mark.parametrize("after", ["swap", "frame", "clear", "family"])
def test_code_is_right_after_a_path_was_changed(session: Session, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    session.set_end("A", "mp-5986")
    session.set_end("B", "mp-22862")
    session.interpolate("linear", 3)
    session.interpolation.show_frame(1)
    session.settle()
    if after == "swap":
        session.interpolation.swap_ends()
    elif after == "clear":
        session.interpolation.clear()
    elif after == "family":
        session.sliders.show_latent(5)
        session.sliders.show_axes("principal")
    scope: dict[str, Any] = {}
    monkeypatch.setattr(remembered, "recall", dict)
    exec(session.code(), scope)
    replayed: Session = scope["explorer"].session
    try:
        same(session, replayed)
        for mine, theirs in zip(session.state.ends, replayed.state.ends, strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None and theirs is not None:
                np.testing.assert_allclose(mine.z, theirs.z, atol=1e-5)
        if session.state.path is not None and replayed.state.path is not None:
            assert session.state.path.frame == replayed.state.path.frame
    finally:
        scope["explorer"].close()


def test_code_of_the_beginning_is_short(session: Session) -> None:
    assert len(session.code().strip().splitlines()) <= 5
    session.select(7)
    assert f"session.select({session.state.point.material_id!r})" in session.code()
    ast.parse(session.code())


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"xcrystal_session": 99}', "null", '{"xcrystal_session": 1}', "é" * 9]
)
def test_what_is_no_session_becomes_one_sentence(session: Session, content: str) -> None:
    before = session.state
    assert not session.file.open_json(content)
    assert session.state is before
    assert 0 < len(session.message) <= 400


def test_a_session_of_another_atlas_is_refused(session: Session, model: CrystalModel, bare_atlas: Atlas) -> None:
    small = Session(model, bare_atlas)
    assert not session.file.open_json(small.file.to_json())
    assert "200 crystals" in session.message


def test_a_missing_file_becomes_one_sentence(session: Session, tmp_path: Path) -> None:
    assert not session.file.open(tmp_path / "nothing.json")
    assert "There is no file" in session.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_no_sessions(session: Session, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", "/dev/zero"):
        assert not session.file.open(path)
        assert "a pipe or a device" in session.message


@pytest.mark.parametrize("many", ["frames", "candidates", "own", "latents", "concepts", "species"])
def test_what_would_keep_a_kernel_busy_for_hours_is_refused_at_once(
    saved: tuple[Session, dict[str, Any]], many: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of a few MB can list some 10,000 points to decode, or crystals to encode."""
    session, content = saved[0], copy.deepcopy(saved[1])
    where = content["state"]["path"] if many == "frames" else content["state"]
    if many == "species":
        where = content["state"]["loaded"]["structure"]
        where |= {"species": ["C"] * 10_000, "frac_coords": [0.0] * 30_000}
    else:
        where[many] = [where[many][0] if where[many] else where["point"]] * 10_000
    if many in ("frames", "candidates", "own"):
        monkeypatch.setattr(Points, "many", None)
    before = session.state
    assert not session.file.open_json(json.dumps(content))
    assert f"its {many!r} is" in session.message and session.state is before


def test_a_full_disk_loses_neither_the_old_session_nor_the_new(session: Session, tmp_path: Path) -> None:
    """In a process that may write no more than 1,000 bytes into a file, as on a disk that is then full."""
    kept = tmp_path / "lesson.json"
    session.save(kept)
    old = kept.read_bytes()
    code = (
        "import resource, signal, sys, xcrystal as xc\n"
        "from xcrystal.explorer.session.session import Session\n"
        "session = Session(xc.load('mp20'), xc.atlas('mp20'))\n"
        "session.select('mp-22862')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try:\n    session.save(sys.argv[1])\n"
        "except xc.XCrystalError as error:\n    print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "session.save(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code, str(kept), str(tmp_path / "elsewhere.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "cannot be saved" in done.stdout and done.stdout.count("\n") == 1
    assert kept.read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere.json", "lesson.json"]
    assert session.file.open(tmp_path / "elsewhere.json") and "mp-22862" in session.code()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_session_never_raises(data: st.DataObject, saved: tuple[Session, dict[str, Any]]) -> None:
    session, content = saved
    damaged = copy.deepcopy(content)
    where: Any = damaged
    while True:
        key = data.draw(st.sampled_from(sorted(where) if isinstance(where, dict) else range(len(where))))
        inner = where[key]
        if isinstance(inner, (dict, list)) and inner and data.draw(st.booleans()):
            where = inner
            continue
        where[key] = data.draw(JUNK)
        break
    before = session.state
    if not session.file.open_json(json.dumps(damaged)):
        assert session.state is before
        assert session.message


@pytest.fixture(scope="module")
def saved(model: CrystalModel, atlas: Atlas) -> tuple[Session, dict[str, Any]]:
    session = Session(model, atlas)
    tour(session)
    return session, json.loads(session.file.to_json())


@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ("code", ["__import__('os').system('rm -rf /')"]),
        ("commands", [{"do": "__import__('os').system('rm -rf /')"}]),
        ("commands", [{"do": "select", "material_id": 1}]),
        ("commands", [{"do": "go", "z": ["__import__('os')"]}]),
    ],
)
def test_acts_from_a_file_are_not_believed(session: Session, other: Session, where: str, lines: list[Any]) -> None:
    session.select(3)
    content = json.loads(session.file.to_json())
    content["state"]["point"][where] = lines
    assert other.file.open_json(json.dumps(content))
    assert "__import__" not in other.code()
    np.testing.assert_allclose(other.z, session.z, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "fine"),
    [
        ("session.select('mp-1')", True),
        ("session.move('principal 1', -1.5)", True),
        ("session.set_property('band_gap', 2.5)", True),
        ("session.search_nearer()", True),
        ("session.load(Structure([[3, 0, 0], [0, 3, 0], [0, 0, 3]], ['Na'], [[0.0, -0.5, 0]]))", True),
        ("session.steer('band_gap', 'higher', steps=2, hold=('elements',))", True),
        ("session.select(3)", False),
        ("session.load(Structure([[3, 0, 0]], ['H'], [[0, 0, 0]], validate_proximity=__import__('os')))", False),
        ("session.go(" + "-" * 3000 + "1)", False),
        ("session.go(b'1')", False),
        ("session.save('/etc/passwd')", False),
        ("session.select(open('x'))", False),
        ("session.model.decode(1)", False),
        ("session.select('a'); import os", False),
        ("session.select(*x)", False),
        ("x.select('a')", False),
        ("(", False),
    ],
)
def test_only_acts_with_plain_values_are_read_from_old_code(line: str, fine: bool) -> None:
    if fine:
        command = command_of_line(line)
        assert read_command(json.loads(json.dumps(command.plain()))) == command
    else:
        with pytest.raises(ReadError):
            command_of_line(line)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("point", "z", 0), 10**400),
        (("point", "z", 0), float("nan")),
        (("selection", "rows", 0), 10**30),
        (("loaded", "structure"), {"@module": "no_such_module", "@class": "K"}),
        (("loaded", "structure", "species", 0), "Xx"),
        (("loaded", "structure", "matrix"), [0.0] * 9),
    ],
)
def test_hostile_values_become_one_sentence(
    session: Session, saved: tuple[Session, dict[str, Any]], where: tuple[Any, ...], value: Any
) -> None:
    content = copy.deepcopy(saved[1])
    inner = content["state"]
    for name in where[:-1]:
        inner = inner[name]
    inner[where[-1]] = value
    before = session.state
    assert not session.file.open_json(json.dumps(content))
    assert session.state is before and 0 < len(session.message) <= 400


def test_a_material_id_that_is_another_code_does_not_count(session: Session, other: Session) -> None:
    session.select(3)
    content = json.loads(session.file.to_json())
    content["state"]["point"]["material_id"] = str(session.atlas.table.material_id[9])
    assert other.file.open_json(json.dumps(content))
    assert other.state.point.material_id is None


def test_controls_that_do_not_exist_cannot_be_hidden(session: Session) -> None:
    with pytest.raises(TargetError):
        session.controls.hide("everything")
    with pytest.raises(TargetError):
        session.controls.show_mode("expert")


def test_controls_of_earlier_versions_are_hidden_under_their_new_names(session: Session, other: Session) -> None:
    with pytest.warns(DeprecationWarning, match="'story' is now 'history'"):
        session.controls.hide("story")
    assert session.controls.hidden == {"history"}
    content = json.loads(session.file.to_json()) | {"hidden": ["story"]}
    assert other.file.open_json(json.dumps(content)), other.message
    assert other.controls.hidden == {"history"}


def test_the_mode_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "new"))
    assert remembered.recall() == {}
    remembered.remember(mode="researcher")
    remembered.remember(other=1)
    assert remembered.recall() == {"mode": "researcher", "other": 1}
    explorer = xcrystal.explore()
    assert explorer.session.controls.mode == "researcher"
    explorer.close()
    (tmp_path / "new" / "xcrystal.json").write_text("{broken")
    assert remembered.recall() == {}


def test_a_session_of_version_1_still_opens(session: Session, other: Session) -> None:
    """It was written by the version before acts were typed, when each point held lines of Python."""
    old = Path(__file__).with_name("data") / "session_v1.json"
    assert session.file.open(old), session.message
    content = json.loads(old.read_text(encoding="utf-8"))["state"]
    state = session.state
    np.testing.assert_allclose(state.point.z, content["point"]["z"], atol=1e-6)
    assert [pin.label for pin in state.pins] == [pin["label"] for pin in content["pins"]]
    for point, was in zip((state.point, *state.pins), (content["point"], *content["pins"]), strict=True):
        assert [type(command_of_line(line)) for line in was["code"]] == [type(one) for one in point.commands]
    assert state.why is not None and state.path is not None and len(state.path.frames) == 3
    assert (session.controls.mode, session.controls.hidden) == ("researcher", {"find"})
    assert other.file.open_json(session.file.to_json()), other.message
    same(session, other)
    assert other.state.point.commands == state.point.commands and other.code() == session.code()
