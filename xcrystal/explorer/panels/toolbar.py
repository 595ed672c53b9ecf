"""How crystals and sessions come in and go out; the line that says what is shown, and messages to the user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from xcrystal.errors import ReadError
from xcrystal.explorer import settings, words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.controls import MODES
from xcrystal.explorer.visitors import check_file

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker


_MARK, _HEAD = b"xcrystal_session", 2000  # by what, and within how many bytes, a saved session is known


class ToolbarView(Panel):
    """Title, message, and the controls that load, download, save, reset, and choose how much is offered."""

    _esm = script("toolbar")
    _css = style("toolbar")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "shown", "message", "mode"})

    def __init__(self, session: Session, worker: Worker, identity: str = "live") -> None:
        self._identity = identity
        super().__init__(session, worker)
        self.add_class("xc-toolbar")

    def describe(self) -> dict[str, Any]:
        """Formula, label and message of what is shown."""
        session = self.session
        loaded = session.display.loaded_alone
        return {
            "formula": words.formula_of(session.display.structure),
            "label": session.label if loaded is None else f"{loaded.name}, as loaded",
            "message": session.message,
            "mode": session.controls.mode,
            "modes": list(MODES),
            "projector": session.controls.projector,
            "model": session.model.name,
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Load, download, save, reset."""
        session, action = self.session, message["act"]
        if action == "here":
            self.send({"type": "here", "identity": self._identity})
        elif action == "load":
            source = str(message.get("source", "")).strip()
            # what cannot be read stays in the field to be corrected
            if source and self._load(source):
                self.send({"type": "loaded", "source": source})
        elif action == "file" and buffers:
            self._take(bytes(buffers[0]), str(message.get("name", "file")))
        elif action == "reset":
            session.reset()
        elif action == "cif":
            name = words.file_stem(session.display.structure.composition.reduced_formula)
            self.offer(f"{name}.cif", "chemical/x-cif", session.display.cif().encode())
        elif action == "map":
            # the browser makes pixels of it, where pixels are wanted
            self.send(
                {"type": "map", "format": str(message.get("format"))}, buffers=[session.display.map_svg().encode()]
            )
        elif action == "save":
            self.offer("xcrystal-session.json", "application/json", session.file.to_json().encode())
        elif action == "code":
            self.send({"type": "code", "text": session.code()})
        elif action == "mode" and message.get("mode") in MODES:
            session.controls.show_mode(message["mode"])
            settings.remember(mode=message["mode"])
        elif action == "projector":
            session.controls.write_large(bool(message.get("value")))
            settings.remember(projector=session.controls.projector)

    def _load(self, source: str) -> bool:
        session = self.session
        return session.file.open(source) if _is_session(source) else session.navigation.load_text(source)

    def _take(self, content: bytes, name: str) -> None:
        """A file of the user's: a saved session, or a crystal."""
        if name.endswith(".json") and _MARK in content[:_HEAD]:
            self.session.file.open_json(content)
        else:
            self.session.navigation.load_bytes(content, name)


def _is_session(path: str) -> bool:
    """Whether a file holds a saved session; other JSON may hold a crystal."""
    try:
        check_file(path)
        if not path.endswith(".json") or not Path(path).is_file():  # a pipe would never end
            return False
        with open(path, "rb") as file:
            return _MARK in file.read(_HEAD)
    except (OSError, ValueError, ReadError):
        return False  # what is wrong with it is said by who reads it
