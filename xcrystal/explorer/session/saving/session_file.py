"""What can be written down of a session: Python code, and JSON that can be saved, shared, and opened again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Any

from xcrystal.crystal.files import read_whole, replacing
from xcrystal.errors import ReadError, TargetError, XCrystalError, check_one_of
from xcrystal.explorer.session.commands import (
    AddDirection,
    BeginWith,
    ColorBy,
    Command,
    EditCrystal,
    Go,
    HideElements,
    Interpolate,
    LabelAtoms,
    Load,
    OpenSession,
    Overlay,
    Pin,
    PlainCrystal,
    ReadPattern,
    SelectRows,
    SetEnd,
    Settle,
    Show,
    ShowAxes,
    ShowBonds,
    ShowBoundary,
    ShowCell,
    ShowColorMap,
    ShowElementColors,
    ShowFrame,
    ShowLatent,
    ShowPattern,
    ShowPerspective,
    ShowPolyhedra,
    ShowStyle,
    ShowSupercell,
    as_floats,
)
from xcrystal.explorer.session.controls import CONTROLS, MODES, RENAMED, Controls
from xcrystal.explorer.session.display import Display
from xcrystal.explorer.session.pins import Pins
from xcrystal.explorer.session.points import Points, way_to
from xcrystal.explorer.session.saving.saved_session import read_saved, saved_state
from xcrystal.explorer.session.state import METHOD, State
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.session.tabs.explanations import Explanations, command_of, known_method
from xcrystal.explorer.visitors import check_file

VERSION = 2
READ = (1, 2)


class SessionFile:
    """Writes a session down, and opens what was written."""

    def __init__(
        self,
        store: Store,
        points: Points,
        pins: Pins,
        display: Display,
        explanations: Explanations,
        controls: Controls,
    ) -> None:
        self._store, self._points, self._pins = store, points, pins
        self._display, self._explanations, self._controls = display, explanations, controls
        self._default = store.state

    # -- as code

    def code(self) -> str:
        """Python that brings a new explorer to the present view, when run in a notebook cell."""
        with self._store.lock:
            state, first = self._store.state, self._default
            commands = [*_moves(state, first), *_display(state, first)]
            if self._explanations.method != METHOD:
                commands.append(BeginWith(self._explanations.method))
            lines = _code(commands)
            if self._controls.hidden:
                lines.append(f"session.controls.hide({', '.join(map(repr, sorted(self._controls.hidden)))})")
            return self._new_explorer(lines)

    def pin_code(self, number: int) -> str:
        """Python that brings a new explorer to a pinned crystal.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._store.lock:
            return self._new_explorer(_code(way_to(self._pins.numbered(number))))

    def _new_explorer(self, lines: Sequence[str]) -> str:
        """Python that opens an explorer and then runs lines that call ``session``."""
        model, known = self._points.model, self._points.atlas
        atlas = "" if known.name == model.name else f", atlas={known.name!r}"
        opening = ["import xcrystal as xc", "", f"explorer = xc.explore(model={model.code}{atlas})"]
        imports = ["from pymatgen.core import Structure"] if any("Structure(" in line for line in lines) else []
        return "\n".join([*imports, *opening, "session = explorer.session", *lines, "explorer", ""])

    # -- as JSON

    def to_json(self) -> str:
        """The session as JSON text: all but its history. A crystal that was loaded is part of it."""
        with self._store.lock:
            model, atlas = self._points.model, self._points.atlas
            return json.dumps(
                {
                    "xcrystal_session": VERSION,
                    "model": model.name,
                    "latent_dim": model.latent_dim,
                    "atlas": {"name": atlas.name, "crystals": len(atlas)},
                    "mode": self._controls.mode,
                    "hidden": sorted(self._controls.hidden),
                    "method": self._explanations.method,
                    "state": saved_state(self._store.state),
                },
                indent=1,
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``to_json()`` to a file, atomically.

        Raises
        ------
        ReadError
            If it cannot be written; what was there before is still there.
        """
        text = self.to_json()
        try:
            with replacing(FilePath(path)) as part:
                part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ReadError(
                f"The session cannot be saved as {path}: {error.strerror or error}. An older file of that name is as "
                "it was, and the session is still open."
            ) from error

    def open_json(self, text: str | bytes) -> bool:
        """Go to a session that was saved, as one step of undo.

        Returns
        -------
        bool
            Whether it could be opened; if not, ``message`` says why, and nothing else has changed.
        """
        model, atlas = self._points.model, self._points.atlas
        with self._store.lock:
            try:
                content = _checked(text)
                if content["latent_dim"] != model.latent_dim:
                    raise ReadError(f"This session belongs to another model, {str(content['model'])[:60]!r}.")
                crystals = content["atlas"].get("crystals")
                if crystals != len(atlas):
                    raise ReadError(f"This session belongs to an atlas of {crystals} crystals, not {len(atlas)}.")
                state = read_saved(content["state"], self._points)
                self._check(state)
            except XCrystalError as error:
                self._store.refuse(str(error))
                return False
            self._store.commit(OpenSession(), **vars(state))
            self._explanations.method = content["method"]
            self._controls.hidden = frozenset(content["hidden"])
            self._controls.show_mode(content["mode"])
            return True

    def open(self, path: str | os.PathLike[str]) -> bool:
        """``open_json`` of a file."""
        try:
            check_file(path)
            text = read_whole(FilePath(path))
        except ReadError as error:
            self._store.refuse(str(error))
            return False
        return self.open_json(text)

    def _check(self, state: State) -> None:
        """Raise TargetError if there is not all that a state asks for."""
        if state.color:
            check_one_of(state.color, self._display.colors, "colour of the map")
        if state.why is not None:
            self._explanations.check_possible(state.why, state)
        if state.shown in ("loaded", "overlay") and state.loaded is None:
            raise TargetError("There is no loaded crystal to show.")


def _checked(text: str | bytes) -> dict[str, Any]:
    """Saved JSON with all its parts, of the right kinds; raises ReadError."""
    try:
        content = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ReadError(f"This is not a saved session: {error}.") from error
    if not isinstance(content, dict) or "xcrystal_session" not in content:
        raise ReadError("This is not a saved session of xcrystal.")
    if content["xcrystal_session"] not in READ:
        raise ReadError(
            f"This session was saved in version {str(content['xcrystal_session'])[:20]} of the format; "
            f"this xcrystal reads versions 1 to {VERSION}."
        )
    kinds = {"model": str, "latent_dim": int, "atlas": dict, "mode": str, "hidden": list, "state": dict}
    for name, kind in kinds.items():
        if not isinstance(content.get(name), kind):
            raise ReadError(f"This saved session is damaged: its {name!r} is missing or of the wrong kind.")
    method = content.setdefault("method", METHOD)  # older sessions have none
    if not isinstance(method, str) or not known_method(method):
        raise ReadError("This saved session is damaged: its attribution method does not exist.")
    content["hidden"] = [RENAMED.get(str(name), name) for name in content["hidden"]]
    unknown = [name for name in content["hidden"] if name not in CONTROLS]
    if content["mode"] not in MODES or unknown:
        raise ReadError("This saved session is damaged: it hides a control or sets a mode that does not exist.")
    return content


def _code(commands: Sequence[Command]) -> list[str]:
    """Lines of Python; those that read a file say so, since a session may be from somebody else's machine."""
    lines = []
    for command in commands:
        if isinstance(command, (Load, ReadPattern)) and isinstance(command.source, str):
            lines.append(f"# this reads a file of the machine on which it runs: {command.source!r}")
        lines.append(command.code())
    return lines


def _moves(state: State, first: State) -> list[Command]:
    """The acts that go where a state is."""
    made: list[Command] = [AddDirection.of(axis) for axis in state.concepts]
    made += [ShowLatent(number) for number in state.latents]
    for pin in state.pins:
        made += [*way_to(pin), Pin()]
    if state.selection is not None:
        made.append(SelectRows(tuple(state.selection.rows.tolist()), state.selection.title))
    for name, end in zip("AB", state.ends, strict=True):
        if end is not None:
            made += [*end.commands, SetEnd(name)]
    if state.path is not None:
        made.append(Interpolate(state.path.kind, len(state.path.frames)))
    if state.own:
        plain = tuple(PlainCrystal.of(own.structure) for own in state.own)
        made.append(state.own[0].made or Overlay(plain))
    loading = [command for command in state.point.commands if isinstance(command, (Load, EditCrystal))]
    load = None if state.loaded is None else Load(PlainCrystal.of(state.loaded.structure))
    encoded = state.loaded is not None and not state.loaded.reason
    keeps = state.loaded is not None and encoded and bool(loading) and loading[-1].name == state.loaded.name
    if load is not None and not loading:
        made.append(load)
    if state.path is not None and state.point in state.path.frames:
        made.append(ShowFrame(state.path.frame))
    elif state.point is not first.point or state.pins:  # to pin something, one has gone there
        made += way_to(state.point)
        if state.point is not state.base or state.point.quick:
            made.append(Settle())
    if load is not None and loading and not keeps:  # another crystal was loaded after the one that this point is of
        made.append(load)
        if encoded:
            made.append(Go(as_floats(state.point.z)))
    return made


def _display(state: State, first: State) -> list[Command]:
    """The acts that show things as a state does."""
    made: dict[str, Command] = {
        "color": ColorBy(state.color),
        "color_map": ShowColorMap(state.color_map),
        "family": ShowAxes(state.family),
        "shown": Show(state.shown),
        "cell": ShowCell(state.cell),
        "supercell": ShowSupercell(state.supercell),
        "boundary": ShowBoundary(state.boundary),
        "bonds": ShowBonds(state.bonds),
        "perspective": ShowPerspective(state.perspective),
        "labels": LabelAtoms(state.labels),
        "polyhedra": ShowPolyhedra(state.polyhedra),
        "style": ShowStyle(state.style),
        "element_colors": ShowElementColors(state.element_colors),
        "hidden": HideElements(state.hidden),
        "why": command_of(state.why),
    }
    other = {name for name in made if getattr(state, name) != getattr(first, name)}
    if state.concepts or state.latents:  # to make them has shown them
        other.add("family")
    if state.loaded is not None:  # to load it has shown it
        other.add("shown")
    shown = [command for name, command in made.items() if name in other]
    if state.measured is not None:  # its points are in no code; the file is looked for under its name
        shown.append(ReadPattern(state.measured.name, line=state.measured.wavelength, unit=state.measured.unit))
    if state.matches is not None:
        shown.append(state.matches.asked)
    # to read a pattern has laid it over, and taken its source
    given = {"source", "second"} if state.measured is not None else set()
    given |= {name for name, value in vars(state.diffraction).items() if value != getattr(first.diffraction, name)}
    if given:
        shown.append(ShowPattern(**{name: getattr(state.diffraction, name) for name in sorted(given)}))
    return shown
