"""Which controls an explorer offers, and how much it explains."""

from __future__ import annotations

import warnings

from xcrystal.errors import check_one_of
from xcrystal.explorer.session.store import Store

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
    "history",
    "move",
    "find",
    "paths",
    "pins",
    "steer",
    "design",
    "why",
    "decode",
    "change",
    "concept",
    "stability",
    "diffraction",
    "facts",
    "neighbours",
)
RENAMED = {"story": "history"}  # controls of earlier versions, also of saved sessions


class Controls:
    """What is offered; no part of the history.

    Attributes
    ----------
    mode
        "beginner" or "researcher".
    projector
        Whether all is written large, for a projector.
    hidden
        Names of the controls that are not offered, of ``CONTROLS``.
    front
        Name of the tab that was last asked to come to the front; a view hears of it as "front".
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.mode, self.hidden, self.front = MODES[0], frozenset[str](), ""
        self.projector = False

    def show_mode(self, mode: str) -> None:
        """Explain more and offer less ("beginner"), or the reverse ("researcher")."""
        check_one_of(mode, MODES, "mode")
        self.mode = mode
        self._store.emit("mode")

    def write_large(self, on: bool) -> None:
        """Write all in large type, for a projector, or not."""
        self.projector = bool(on)
        self._store.emit("mode")

    def hide(self, *controls: str) -> None:
        """Offer all controls but these, for a lesson; without any, offer all."""
        for name in RENAMED.keys() & set(controls):
            warnings.warn(f"The control {name!r} is now {RENAMED[name]!r}.", DeprecationWarning, stacklevel=2)
        names = [RENAMED.get(name, name) for name in controls]
        for name in names:
            check_one_of(name, CONTROLS, "control")
        self.hidden = frozenset(names)
        self._store.emit("mode")

    def bring_to_front(self, tab: str) -> None:
        """Ask for a tab to come to the front."""
        self.front = tab
        self._store.emit("front")
