"""Keeping a session: as Python code, and as JSON that can be saved, sent to a class, and opened again."""

from __future__ import annotations

import json
import os
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import ReadError, TargetError, XCrystalError
from xcrystal.explorer.session.display import Looking
from xcrystal.explorer.session.explanations import Explaining, known_method
from xcrystal.explorer.session.navigation import go_code, structure_code
from xcrystal.explorer.session.pins import Pinning
from xcrystal.explorer.session.saved_session import read_saved, saved_state
from xcrystal.explorer.session.state import METHOD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xcrystal.explorer.session.state import Point, State, Why

MODES = ("beginner", "researcher")
CONTROLS = (
    "load",
    "keep",
    "undo",
    "reset",
    "mode",
    "map",
    "structure",
    "attribution",
    "story",
    "move",
    "find",
    "paths",
    "pins",
    "steer",
    "why",
    "change",
    "concept",
    "facts",
    "neighbours",
)
VERSION = 1
# what leaves a crystal loaded
_LOADING = tuple(f"session.{name}(" for name in ("load", "substitute", "remove", "move_orbit", "strain"))


class Keeping(Pinning, Looking, Explaining):
    """What can be written down of a session, and which of its controls there are.

    Attributes
    ----------
    mode
        "beginner" or "researcher".
    hidden
        Names of the controls that are not offered, of ``CONTROLS``.
    """

    mode: str = "beginner"
    hidden: frozenset[str] = frozenset()

    def show_mode(self, mode: str) -> None:
        """Explain more and offer less ("beginner"), or the reverse ("researcher")."""
        self._one_of(mode, MODES, "mode")
        self.mode = mode
        self._emit("mode")

    def hide(self, *controls: str) -> None:
        """Offer all controls but these, for a lesson; without any, offer all."""
        for name in controls:
            self._one_of(name, CONTROLS, "control")
        self.hidden = frozenset(controls)
        self._emit("mode")

    # -- as code

    def code(self) -> str:
        """Python that brings a new explorer to the present view, when run in a notebook cell."""
        with self._lock:
            state, first = self.state, self._default
            lines = [*_moves(state, first), *_looks(state, first)]
            if self.method != METHOD:
                lines.append(f"session.begin_with({self.method!r})")
            if self.hidden:
                lines.append(f"session.hide({', '.join(map(repr, sorted(self.hidden)))})")
            return self._new_explorer(lines)

    def pin_code(self, number: int) -> str:
        """Python that brings a new explorer to a pinned crystal.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._lock:
            return self._new_explorer(_way_to(self._pin(number)))

    def _new_explorer(self, lines: Sequence[str]) -> str:
        """Python that opens an explorer and then runs lines that call ``session``."""
        atlas = "" if self.atlas.name == self.model.name else f", atlas={self.atlas.name!r}"
        opening = ["import xcrystal as xc", "", f"explorer = xc.explore(model={self.model.code}{atlas})"]
        imports = ["from pymatgen.core import Structure"] if any("Structure(" in line for line in lines) else []
        return "\n".join([*imports, *opening, "session = explorer.session", *lines, "explorer", ""])

    # -- as JSON

    def to_json(self) -> str:
        """The session as JSON text: all but its history. A crystal that was loaded is part of it."""
        with self._lock:
            return json.dumps(
                {
                    "xcrystal_session": VERSION,
                    "model": self.model.name,
                    "latent_dim": self.model.latent_dim,
                    "atlas": {"name": self.atlas.name, "crystals": len(self.atlas)},
                    "mode": self.mode,
                    "hidden": sorted(self.hidden),
                    "method": self.method,
                    "state": saved_state(self.state),
                },
                indent=1,
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``to_json()`` to a file, atomically."""
        path = FilePath(path)
        part = path.with_name(path.name + ".part")
        part.write_text(self.to_json(), encoding="utf-8")
        part.replace(path)

    def open_json(self, text: str | bytes) -> bool:
        """Go to a session that was saved, as one step of undo.

        Returns
        -------
        bool
            Whether it could be opened; if not, ``message`` says why, and nothing else has changed.
        """
        with self._lock:
            try:
                content = _checked(text)
                if content["latent_dim"] != self.model.latent_dim:
                    raise ReadError(f"This session belongs to another model, {str(content['model'])[:60]!r}.")
                crystals = content["atlas"].get("crystals")
                if crystals != len(self.atlas):
                    raise ReadError(f"This session belongs to an atlas of {crystals} crystals, not {len(self.atlas)}.")
                state = read_saved(content["state"], self)
                self._check(state)
            except XCrystalError as error:
                self.report(str(error))
                return False
            self._commit("opened a saved session", **vars(state))
            self.mode, self.hidden = content["mode"], frozenset(content["hidden"])
            self.method = content["method"]
            self._emit("mode")
            return True

    def open_file(self, path: str | os.PathLike[str]) -> bool:
        """``open_json`` of a file."""
        try:
            text = FilePath(path).read_bytes()
        except OSError as error:
            self.report(f"The session cannot be read: {error}.")
            return False
        return self.open_json(text)

    def _check(self, state: State) -> None:
        """Raises TargetError if there is not all that a state asks for."""
        if state.color:
            self._one_of(state.color, self.colors, "colour of the map")
        if state.why is not None:
            self._check_why(state.why, state)
        if state.shown == "loaded" and state.loaded is None:
            raise TargetError("There is no loaded crystal to show.")


def _checked(text: str | bytes) -> dict[str, Any]:
    """Saved JSON with all its parts, of the right kinds; raises ReadError."""
    try:
        content = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ReadError(f"This is not a saved session: {error}.") from error
    if not isinstance(content, dict) or "xcrystal_session" not in content:
        raise ReadError("This is not a saved session of xcrystal.")
    if content["xcrystal_session"] != VERSION:
        raise ReadError(
            f"This session was saved in version {str(content['xcrystal_session'])[:20]} of the format; "
            f"this xcrystal reads version {VERSION}."
        )
    kinds = {"model": str, "latent_dim": int, "atlas": dict, "mode": str, "hidden": list, "state": dict}
    for name, kind in kinds.items():
        if not isinstance(content.get(name), kind):
            raise ReadError(f"This saved session is damaged: its {name!r} is missing or of the wrong kind.")
    method = content.setdefault("method", METHOD)  # older sessions have none
    if not isinstance(method, str) or not known_method(method):
        raise ReadError("This saved session is damaged: its attribution method does not exist.")
    unknown = [name for name in content["hidden"] if name not in CONTROLS]
    if content["mode"] not in MODES or unknown:
        raise ReadError("This saved session is damaged: it hides a control or sets a mode that does not exist.")
    return content


def _moves(state: State, first: State) -> list[str]:
    """Code that goes where a state is."""
    lines: list[str] = []
    lines += [
        f"session.add_concept({c.name!r}, {_numbers(c.vector)}, {_numbers(c.mean)}, {float(c.scale)!r}, {c.note!r})"
        for c in state.concepts
    ]
    for number in state.latents:
        lines.append(f"session.show_latent({number})")
    for pin in state.pins:
        lines += [*_way_to(pin), "session.pin()"]
    if state.selection is not None:
        lines.append(f"session.select_rows({state.selection.rows.tolist()}, {state.selection.title!r})")
    for name, end in zip("AB", state.ends, strict=True):
        if end is not None:
            lines += [*end.code, f"session.set_end({name!r})"]
    if state.path is not None:
        lines.append(f"session.interpolate({state.path.kind!r}, {len(state.path.frames)})")
    if state.own:
        lines.append(f"session.overlay([{', '.join(structure_code(own.structure) for own in state.own)}])")
    if state.loaded is not None and not any(line.startswith(_LOADING) for line in state.point.code):
        lines.append(f"session.load({structure_code(state.loaded.structure)})")
    if state.path is not None and state.point in state.path.frames:
        lines.append(f"session.show_frame({state.path.frame})")
    elif state.point is not first.point or state.pins:  # to pin something, one has gone there
        lines += _way_to(state.point)
        if state.point is not state.base or state.point.quick:
            lines.append("session.settle()")
    return lines


def _way_to(point: Point) -> Sequence[str]:
    """Code that leads to a point; of a path that may be gone by its own numbers, not by making that path again."""
    passing = any("session.set_end(" in line for line in point.code)
    return [go_code(point.z)] if passing else point.code


def _looks(state: State, first: State) -> list[str]:
    """Code that shows things as a state does."""
    calls = {
        "color": f"color_by({state.color!r})",
        "color_map": f"show_color_map({state.color_map!r})",
        "family": f"show_axes({state.family!r})",
        "shown": f"show({state.shown!r})",
        "cell": f"show_cell({state.cell!r})",
        "supercell": f"show_supercell({state.supercell!r})",
        "boundary": f"show_boundary({state.boundary!r})",
        "bonds": f"show_bonds({state.bonds!r})",
        "why": _explain(state.why),
    }
    other = {name for name in calls if getattr(state, name) != getattr(first, name)}
    if state.concepts or state.latents:  # to make them has shown them
        other.add("family")
    return [f"session.{call}" for name, call in calls.items() if name in other]


def _explain(why: Why | None) -> str:
    if why is None:
        return "explain(None)"
    return f"explain({why.target!r}, method={why.method!r}, level={why.level!r}, baseline={why.baseline!r})"


def _numbers(values: np.ndarray) -> str:
    return f"[{', '.join(f'{float(x):.6g}' for x in values)}]"
