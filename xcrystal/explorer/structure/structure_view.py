"""The crystal in three dimensions: one canvas, or two side by side, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from xcrystal.crystal.geometry.matching import STOL, match_rms
from xcrystal.errors import check_one_of
from xcrystal.explanation.score_scale import ScoreScale
from xcrystal.explorer import words
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.overlay import shells
from xcrystal.explorer.drawing.scene_message import atom_labels, atom_names, scene_message
from xcrystal.explorer.drawing.svg_annotations import Measurement
from xcrystal.explorer.drawing.svg_picture import svg
from xcrystal.explorer.session.commands import Reset
from xcrystal.explorer.session.tabs.site_facts import site_facts, with_orbits
from xcrystal.explorer.structure.nglview_canvas import canvas_class
from xcrystal.explorer.structure.structure_controls import StructureBar
from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.drawing.scene import Scene
    from xcrystal.explorer.session.records import Loaded
    from xcrystal.explorer.session.session import Session

SIDES = ("standard", "a", "b", "c", "a*", "b*", "c*")
_PICTURE = 800  # pixels
_EVENTS = frozenset({"crystal", "shown", "attribution", "settled", "path"})


class StructureView(View):
    """Canvases, the bar above them, and below them the legend and what is known of a picked atom."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self.picked: tuple[int, int] | None = None  # which of the crystals, which of its atoms
        self._picked_name = ""
        self.flat = False  # whether the browser has no WebGL, so that still pictures are drawn instead
        self._facts: list[tuple[str, str]] = []
        self._marked: tuple[Structure, Structure] | None = None
        self._match: tuple[Structure, Structure, str] | None = None
        self._notes: list[str] = []
        self.canvases = [self._canvas(0)]
        self._row = widgets.Box(list(self.canvases))
        self._row.add_class("xc-canvases")
        self._draw()
        self.bar = StructureBar(session, worker, self)
        super().__init__([self.bar, self._row])
        self.add_class("xc-structure")
        self.listen(session)

    def close(self) -> None:
        """End listening, also of the bar."""
        self.bar.close()
        super().close()

    # -- what is drawn

    @property
    def crystals(self) -> list[tuple[str, Structure]]:
        """Caption and structure of what is drawn, one or two; the captions may hold file names."""
        session = self.session
        if session.state.shown != "both":
            return [("", self._known(session.display.structure))]
        if session.state.loaded is not None:
            return [
                (session.state.loaded.caption, self._known(session.state.loaded.structure)),
                (f"decoded: {session.label}", session.display.structure),
            ]
        ends = [end for end in session.state.ends if end is not None]
        if len(ends) < 2:
            return [("", session.display.structure)]
        whole = session.state.cell == "conventional"
        return [
            (f"{name}: {end.label}", conventional_cell(end.structure) if whole else end.structure)
            for name, end in zip("AB", ends, strict=True)
        ]

    @property
    def note(self) -> str:
        """What was left out of the drawing, in words; empty if nothing was."""
        return " ".join(dict.fromkeys(self._notes))

    @property
    def match(self) -> str:
        """How well the loaded crystal and the decode, or two side by side, match; empty where there is one."""
        session, state = self.session, self.session.state
        if state.loaded is not None:
            return self._match_of_loaded(state.loaded)
        crystals = self.crystals
        if len(crystals) < 2:
            return ""
        (_, one), (_, other) = crystals
        if not session.idle:
            return "match: compared when you pause"
        if self._match is None or self._match[0] is not one or self._match[1] is not other:
            self._match = (one, other, _match_words(match_rms(one, other)))
        return self._match[2]

    def _match_of_loaded(self, loaded: Loaded) -> str:
        """How well the loaded crystal and the decode match, wherever the loaded one is drawn."""
        session, shown = self.session, self.session.state.shown
        own = session.z is loaded.z
        if shown == "decoded" or (shown == "loaded" and not own):
            return ""
        if not session.idle:
            return "match: compared when you pause"
        found = session.display.alignment
        rms = loaded.rms if own else None if found is None else found.rms
        words = _match_words(rms, mirrored=found is not None and found.mirrored)
        name = "reconstruction" if own else "decoded crystal"
        return (
            f"Shells: the {name}; {words}"
            if shown == "overlay" and found is not None
            else f"{name.capitalize()}: {words}"
        )

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Headings and texts about the picked atom; empty if none is."""
        return self._facts

    def pictures(self, width: int = 420) -> list[tuple[str, str]]:
        """Caption and SVG image of what is drawn, for where there is no WebGL."""
        return [
            (
                caption,
                svg(
                    structure,
                    self._scores(structure),
                    width,
                    over=self._over,
                    scale=self._scale,
                    labels=atom_labels(structure, self.session.state.labels),
                    axes=True,
                    **self.session.display.options,
                ),
            )
            for caption, structure in self.crystals
        ]

    @property
    def _scale(self) -> ScoreScale | None:
        """The colours of an attribution, if there is one."""
        found = self.session.explanations.attribution
        return None if found is None else found.scale()

    # -- from the user

    def pick(self, picked: tuple[int, int] | None) -> None:
        """Mark an atom of one of the crystals, and say what is known of it; None for none."""
        self.picked, self._picked_name = picked, ""
        self._draw()
        self.bar.refresh()
        self.session.modifications.pick(picked)

    def fit(self) -> None:
        """Let the crystals fill their canvases."""
        for canvas in self.canvases:
            canvas.call("xcFit")

    def look(self, side: str) -> None:
        """Turn the crystals to be seen along "a", "b", "c", "a*", "b*" or "c*", or in their "standard" view."""
        check_one_of(side, SIDES, "view")
        for canvas in self.canvases:
            canvas.call("xcLook", side)

    def start(self) -> None:
        """Begin again to draw, for a page in which a canvas is still empty."""
        for canvas in self.canvases:
            canvas.start()

    def be_flat(self) -> None:
        """Show still pictures from now on."""
        self.flat = True
        self.bar.refresh()

    def _canvas(self, which: int) -> Any:
        def on_pick(atom: int | None) -> None:
            picked = None if atom is None else (which, atom)
            self.worker.submit(("pick", id(self)), lambda: self.pick(picked))

        def on_svg(message: dict[str, Any]) -> None:
            self.worker.submit(("svg", which), lambda: self._offer_svg(which, message))

        return canvas_class()(on_pick, on_svg)

    def _offer_svg(self, which: int, message: dict[str, Any]) -> None:
        """Let the browser save a crystal as it is seen on its canvas."""
        crystals, view = self.crystals, np.asarray(message.get("view"), dtype=float)
        if which < len(crystals) and view.shape == (3, 3) and np.allclose(view @ view.T, np.eye(3), atol=1e-3):
            structure = crystals[which][1]
            picture = svg(
                structure,
                self._scores(structure),
                _PICTURE,
                view=view,
                over=self._over,
                scale=self._scale,
                labels=atom_labels(structure, self.session.state.labels),
                measured=_measurement(message),
                axes=True,
                **self.session.display.options,
            )
            name = words.file_stem(structure.composition.reduced_formula)
            self.bar.offer(f"{name}.svg", "image/svg+xml", picture.encode())

    # -- from the session

    def _on_event(self, event: str) -> None:
        if event in _EVENTS:
            self._draw()
            self.bar.refresh()
        elif event == "history" and self._is_reset:
            self.look("standard")  # after its crystal, the size of which counts

    @property
    def _is_reset(self) -> bool:
        session = self.session
        return isinstance(session.history[session.place_in_history].command, Reset)

    def _draw(self) -> None:
        session, crystals = self.session, self.crystals
        self._keep_pick(crystals)
        drawn = []
        for _, structure in crystals:
            scores = self._scores(structure)
            unit = (
                session.explanations.attribution.unit
                if scores is not None and session.explanations.attribution is not None
                else ""
            )
            drawn.append(
                scene_message(structure, scores=scores, unit=unit, scale=self._scale, **self.session.display.options)
            )
        scenes = [scene for _, _, scene in drawn]
        self._notes = [scene.note for scene in scenes if scene.note]
        extent = max(header["extent"] for header, _, _ in drawn)  # both at one scale
        self._make_canvases(len(crystals))
        for which, ((caption, _), (header, data, _)) in enumerate(zip(crystals, drawn, strict=True)):
            picked = self.picked[1] if self.picked is not None and self.picked[0] == which else -1
            more = {"extent": extent, "picked": picked, "caption": caption, "fine": session.idle}
            structure = crystals[which][1]
            more["explained"] = self._is_explained(structure)
            more["lattice"] = np.round(structure.lattice.matrix, 6).tolist()
            more["perspective"] = session.state.perspective
            more["labels"] = atom_labels(structure, session.state.labels)
            self.canvases[which].draw(({**header, **more}, data, self._shells(structure, scenes[which])))

    @property
    def _over(self) -> Structure | None:
        """What is laid over the crystal that is drawn; None unless that is asked for."""
        return self.session.display.over

    def _shells(self, structure: Structure, scene: Scene) -> bytes:
        return b"" if self._over is None else shells(scene, structure, self._over).tobytes()

    def _make_canvases(self, count: int) -> None:
        """The second canvas is made when it is first needed, and then kept out of sight."""
        if count > len(self.canvases):
            self.canvases.append(self._canvas(len(self.canvases)))
            self._row.children = tuple(self.canvases)
        if len(self.canvases) > 1:
            display = "" if count > 1 else "none"
            if self.canvases[1].layout.display != (display or None):
                self.canvases[1].layout.display = display or None

    def _keep_pick(self, crystals: list[tuple[str, Structure]]) -> None:
        """The pick stays while the crystal morphs, as long as there is such an atom."""
        self._facts = []
        if self.picked is None:
            return
        which, atom = self.picked
        structure = crystals[which][1] if which < len(crystals) else None
        name = atom_names(structure)[atom] if structure is not None and atom < len(structure) else None
        if structure is None or name is None or self._picked_name not in ("", name):
            self.picked = None
            return
        self._picked_name = name
        scores = self._scores(structure)
        attribution = self.session.explanations.attribution
        score = None if scores is None else float(scores[atom])
        unit = "" if attribution is None else attribution.unit
        self._facts = site_facts(structure, atom, score=score, unit=unit, neighbours=self.session.idle)

    def _scores(self, structure: Structure) -> np.ndarray | None:
        """Attribution of the atoms of a structure that is drawn, if it is the one that was attributed."""
        session = self.session
        found = session.explanations.attribution
        if (
            found is None
            or not self._is_explained(structure)
            or found.atom_scores is None
            or len(found.atom_scores) != len(structure)
        ):
            return None
        return np.asarray(found.atom_scores)

    def _is_explained(self, structure: Structure) -> bool:
        """Whether explanations are of this one of the structures that are drawn."""
        drawn = self.session.display.structure
        return structure is drawn or structure is self._known(drawn) or structure == drawn

    def _known(self, structure: Structure) -> Structure:
        """The structure with its orbits, which are looked for once."""
        if self._marked is None or self._marked[0] is not structure:
            marked = with_orbits(structure)
            if marked is structure:
                return structure
            self._marked = (structure, marked)
        return self._marked[1]


def _measurement(message: dict[str, Any]) -> Measurement | None:
    """What is measured on a canvas, as it says."""
    spheres, text = message.get("measured"), message.get("text")
    if not isinstance(spheres, list) or not spheres:
        return None
    return Measurement(tuple(int(k) for k in spheres), str(text or ""))


def _match_words(rms: float | None, *, mirrored: bool = False) -> str:
    if rms is None:
        return f"no match within {STOL} of (V / N)^(1/3)"
    return f"match{' of its mirror image' if mirrored else ''}, RMS {rms:.4f} of (V / N)^(1/3)"
