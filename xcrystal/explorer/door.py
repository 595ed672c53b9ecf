"""How crystals come in and go out: path, upload, reset, download; and the line that says what is shown."""

from __future__ import annotations

import base64
import re
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from xcrystal.explorer import words
from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.explorer.session import Session


class DoorView(View):
    """Title, message area and the controls that load, reset and download."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self.label = widgets.HTML()
        self.label.add_class("xc-label")
        self.message = widgets.HTML()
        self.message.add_class("xc-message")
        self.path = widgets.Text(
            placeholder="path of a crystal file, or a material id",
            tooltip="Path of a crystal file (CIF, POSCAR, ...) or a material id of the map; press Enter",
        )
        self.path.add_class("xc-path")
        self.upload = widgets.FileUpload(
            multiple=False, description="Load a CIF", tooltip="Choose a crystal file (CIF, POSCAR, XSF, extended XYZ)"
        )
        self.upload.add_class("xc-upload")
        self.reset = widgets.Button(
            description="Reset", icon="home", tooltip="Back to the beginning: first crystal, sliders, colours"
        )
        self.reset.add_class("xc-reset")
        self.download = widgets.HTML()
        self.download.add_class("xc-download")
        controls = widgets.HBox([self.path, self.upload, self.download, self.reset])
        controls.add_class("xc-controls")
        top = widgets.HBox([self.label, controls])
        top.add_class("xc-top")
        super().__init__([top, self.message])
        self.add_class("xc-door")
        self.path.on_msg(self._on_path)
        self.upload.observe(self._on_upload, "value")
        self.reset.on_click(lambda _: worker.submit("select", session.reset))
        self.listen(session)
        self._show()
        self._say()

    def _on_path(self, _: Any, message: Any, buffers: Any) -> None:
        source = self.path.value.strip()
        # Enter, not a change: the same path again is a wish too
        if source and message.get("event") == "submit":
            self.worker.submit("select", lambda: self._load(source))

    def _load(self, source: str) -> None:
        # what cannot be read stays to be corrected, and so does what has been typed meanwhile
        if self.session.load(source) and self.path.value.strip() == source:
            self.path.value = ""

    def _on_upload(self, change: Any) -> None:
        if change.new:
            file = change.new[0]
            content, name = bytes(file["content"]), str(file["name"])
            self.worker.submit("select", lambda: self.session.load_bytes(content, name))
            self.upload.value = ()  # the same file can be chosen again

    def _on_event(self, event: str) -> None:
        if event in ("crystal", "shown"):
            self._show()
        elif event == "message":
            self._say()

    def _show(self) -> None:
        session = self.session
        loaded = session.shown_loaded
        label = session.label if loaded is None else f"{loaded.name}, as loaded"
        formula = session.drawn.composition.reduced_formula
        self.label.value = f"<b>{words.formula_html(formula)}</b> <span>{escape(label)}</span>"
        # the first CIF imports pymatgen's writer, which must not hold up the first picture
        self.worker.submit("cif", self._offer)

    def _offer(self) -> None:
        content = base64.b64encode(self.session.cif().encode()).decode("ascii")
        name = re.sub(r"[^\w.-]+", "_", self.session.drawn.composition.reduced_formula)
        self.download.value = (
            f'<a role="button" tabindex="0" class="jupyter-button" download="{escape(name)}.cif" '
            f'title="Download the crystal that is drawn as a CIF" href="data:chemical/x-cif;base64,{content}">'
            "Download this CIF</a>"
        )

    def _say(self) -> None:
        message = self.session.message
        self.message.value = f'<div role="status">{escape(message)}</div>' if message else ""
