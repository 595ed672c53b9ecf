"""The explorer: a session, a worker and the views, put together."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from xcrystal.errors import XCrystalError
from xcrystal.explorer import freed_memory, settings, words
from xcrystal.explorer.map.map_view import MapView
from xcrystal.explorer.notebook.rerun_cells import close_earlier
from xcrystal.explorer.notebook.still_picture import Still
from xcrystal.explorer.panels.attribution_panel import WhyView
from xcrystal.explorer.panels.concept_panel import ConceptView
from xcrystal.explorer.panels.decode_panel import DecodeView
from xcrystal.explorer.panels.design_panel import DesignView
from xcrystal.explorer.panels.diffraction_panel import DiffractionView
from xcrystal.explorer.panels.disorder_panel import DisorderView
from xcrystal.explorer.panels.facts_panel import FactsView
from xcrystal.explorer.panels.hints import Hint
from xcrystal.explorer.panels.history_panel import HistoryView
from xcrystal.explorer.panels.modification_panel import ChangeView
from xcrystal.explorer.panels.path_panel import PathView
from xcrystal.explorer.panels.pins_panel import PinsView
from xcrystal.explorer.panels.search_panel import FindView
from xcrystal.explorer.panels.slider_panel import SliderView
from xcrystal.explorer.panels.stability_panel import StabilityView
from xcrystal.explorer.panels.steering_panel import SteerView
from xcrystal.explorer.panels.tabs import Tabs
from xcrystal.explorer.panels.toolbar import ToolbarView
from xcrystal.explorer.session.controls import MODES
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.structure.nglview_adapter import import_nglview
from xcrystal.explorer.structure.structure_view import StructureView
from xcrystal.explorer.visitors import limit_memory
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import LatentModel

_PARTS: dict[str, Any] = {
    "structure": StructureView,
    "pins": PinsView,
    "map": MapView,
    "move": SliderView,
    "find": FindView,
    "paths": PathView,
    "steer": SteerView,
    "design": DesignView,
    "change": ChangeView,
    "why": WhyView,
    "decode": DecodeView,
    "concept": ConceptView,
    "stability": StabilityView,
    "diffraction": DiffractionView,
    "history": HistoryView,
    "facts": FactsView,
    "disorder": DisorderView,
}
_COLUMNS = (("map", "history"), ("structure", "disorder", "facts"))  # beside the tabs
_TABS = {
    "move": "Move",
    "find": "Find",
    "paths": "Path",
    "steer": "Steer",
    "design": "Design",
    "why": "Why",
    "decode": "Decode",
    "change": "Change",
    "concept": "Concepts",
    "stability": "Stability",
    "diffraction": "Diffraction",
}


_OLD_PARTS = {"door": "toolbar", "story": "history"}
_NEEDED = {
    "gradients": ("attribution", "why", "concept", "steer"),
    "encode": ("change",),
    "runners_up": ("decode",),
}  # capabilities, and what needs them


class _Parts(dict[str, Any]):
    """The views by name; names of earlier versions lead on, with a warning."""

    def __missing__(self, name: str) -> Any:
        now = _OLD_PARTS[name]
        warnings.warn(f"explorer.parts[{name!r}] is now explorer.parts[{now!r}].", DeprecationWarning, stacklevel=2)
        return self[now]


class Explorer(widgets.VBox):
    """All views of one session, linked both ways.

    Parameters
    ----------
    session
        What is explored.

    Attributes
    ----------
    session
        All state; call its methods from any cell and the views follow.
    parts
        The views by name.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._still = Still(session)
        self._worker = Worker(self._on_idle, self._failed)
        # in the order in which they hear of changes: the crystal first
        self.parts = _Parts({name: view(session, self._worker) for name, view in _PARTS.items()})
        self.parts["toolbar"] = ToolbarView(session, self._worker, self._still.identity)
        caution = widgets.HTML(words.CAUTION)
        caution.add_class("xc-caution")
        self._tabs = Tabs(_TABS)
        tabbed = widgets.VBox([self._tabs, *(self.parts[name].add_class(f"xc-{name}") for name in _TABS)])
        self._hints = {name: Hint(name) for name in ("map", "structure")}
        for name, above in self._hints.items():
            self.parts[name].children = (above, *self.parts[name].children)
        self.parts["structure"].children = (*self.parts["structure"].children, self.parts["pins"])
        tabbed.add_class("xc-tabbed")
        columns = [widgets.VBox([self.parts[name] for name in names]) for names in _COLUMNS]
        for column in columns:
            column.add_class("xc-column")
        grid = widgets.Box([*columns, tabbed])
        grid.add_class("xc-grid-all")
        super().__init__([self.parts["toolbar"], grid, caution])
        self.add_class("xc-explorer")
        self._still.follow(self)
        self._classes: set[str] = set()
        self._unsubscribe = session.subscribe(self._on_event)
        self._on_event("mode")
        self._on_event("shown")

    @property
    def selection(self) -> pd.DataFrame:
        """The crystals that are selected on the map, with all that the atlas knows of them."""
        return self.session.selections.table

    def close(self) -> None:
        """End the worker and close all widgets, here and in the browser."""
        self._unsubscribe()
        self.session.stop()
        self.session.stability.stop()
        self.session.crystal_design.stop()
        self._worker.close()
        for part in self.parts.values():
            part.close()
        for widget in _descendants(self):
            widget.close()
        self.parts.clear()  # notebooks remember every output; what nobody can see any more need not be kept
        self.children = ()
        super().close()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        # words for where no widget can be shown; the picture below it then says the rest
        display({**self._repr_mimebundle_(), "text/plain": "xcrystal explorer"}, raw=True)
        self._still.show()

    @property
    def _left_out(self) -> frozenset[str]:
        """Controls that are not offered, or are for what the model cannot do."""
        lacking = (names for capability, names in _NEEDED.items() if self.session.model.lacks(capability))
        return self.session.controls.hidden.union(*lacking)

    def _on_idle(self) -> None:
        self.session.settle()
        self._still.update()
        self._look_further()

    def _look_further(self) -> None:
        """Do what nobody waits for, piece by piece, so that a user who acts again waits for one piece at most."""
        asked = self._worker.has_requests
        more = self.session.refinement.search_when_idle(asked) or self.session.property_sliders.look_ahead()
        if more and not asked():  # otherwise this comes back when what is asked for is done
            self._worker.submit("ahead", self._look_further)

    def _on_event(self, event: str) -> None:
        if event == "mode":
            controls = self.session.controls
            wanted = {f"xc-{controls.mode}", *(f"xc-hide-{name}" for name in self._left_out)}
            if controls.projector:
                wanted.add("xc-projector")
            for name in self._classes - wanted:
                self.remove_class(name)
            for name in wanted - self._classes:
                self.add_class(name)
            self._classes = wanted
        elif event in ("crystal", "shown"):
            shown = self.session.state.shown
            self._hints["structure"].tell("structure" if shown == "decoded" else shown)
        elif event == "front":
            self._tabs.send({"type": "front", "name": f"xc-{self.session.controls.front}"})
        elif event == "summary":
            # what is done from a cell is followed by the work of an idle worker, too
            self._worker.submit("idle", lambda: None)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, XCrystalError):  # a model of a user's own that fails
            self.session.report(str(error))
            return
        self.session.report(f"Something unexpected went wrong ({type(error).__name__}: {error}).")


def explore(
    source: Any = None,
    *,
    model: Any = "mp20",
    atlas: str | os.PathLike[str] | Atlas | None = None,
    session: str | os.PathLike[str] | None = None,
    mode: str | None = None,
    projector: bool | None = None,
    overlay: Any = None,
    device: str | None = None,
    color_map: str | None = None,
    method: str | None = None,
) -> Explorer:
    """Open the explorer; show it as the last line of a notebook cell.

    When that cell runs again, the explorer that it has opened before is closed.

    Parameters
    ----------
    source
        A path, a pymatgen Structure, or a material id of the atlas to begin with; None for BaTiO3 (mp-5986) if the
        atlas has it, otherwise NaCl or the crystal nearest the atlas' centre. What can be drawn but not encoded, such
        as a disordered crystal, is drawn.
    model
        A model, its name, or its folder; or any object with ``encode`` or ``decode``, see ``xcrystal.protocols``.
        Parts that need what it cannot do are left out.
    atlas
        An atlas, its name or folder, such as ``xcrystal.build_atlas`` makes; by default the one that belongs to the
        model.
    session
        A saved session to begin with.
    mode
        "beginner" or "researcher"; by default what was chosen last.
    projector
        Whether to write large, for a projector; by default what was chosen last.
    overlay
        A folder, or a list of paths and Structures, to lay over the map.
    device
        "cpu", "cuda" or "mps", for a model that is named; by default the fastest that there is.
    color_map
        Colours of numbers on the map: "viridis", "cividis", "plasma" or "magma".
    method
        The attribution method that the tab Why begins with; see the table in the documentation, *Explain a prediction*.

    Warns
    -----
    UserWarning
        If the source or the session cannot be read; the explorer says so, too.

    Raises
    ------
    CheckpointError, DatasetError, ModelError, TargetError
        If there is no such model, atlas, mode, device, colour map or method, or the atlas is of another model.
    """
    from xcrystal.explorer.opening import atlas_of

    import_nglview()  # what is missing shall be said before anything is made
    opened = _opened(model, device)
    new = Session(opened, atlas_of(opened, atlas))
    remembered = settings.recall()
    last = remembered.get("mode")
    new.controls.show_mode(mode or (last if last in MODES else MODES[0]))
    new.controls.write_large(remembered.get("projector") is True if projector is None else projector)
    missed = ""
    if session is not None and not new.file.open(session):
        missed = new.message
    if color_map is not None:
        new.display.show_color_map(color_map)
    if method is not None:
        new.explanations.begin_with(method)
    if overlay is not None:
        new.overlay(overlay)
    left_out = new.message
    if source is not None and not new.load(source):
        missed = new.message
    if missed:  # a script, or who looks at the cell only, is told, too
        warnings.warn(missed, UserWarning, stacklevel=2)
    if left_out and not new.message:
        new.report(left_out)
    new.begin_here()
    explorer = Explorer(new)
    close_earlier(explorer)
    freed_memory.give_back()
    limit_memory()
    return explorer


def _opened(model: Any, device: str | None) -> CrystalModel | LatentModel:
    """The model on the device."""
    from xcrystal.errors import CheckpointError
    from xcrystal.explorer.opening import shared_model
    from xcrystal.wrapping import LatentModel, wrap_model

    if isinstance(model, (str, os.PathLike)):
        return shared_model(os.fspath(model), device or "auto")
    model = wrap_model(model)
    if isinstance(model, LatentModel):
        return model
    if device not in (None, "auto") and device != model.device.type:
        raise CheckpointError(
            f"This model is on {model.device.type}; to have it elsewhere, give its name and {device=}."
        )
    found: CrystalModel = model
    return found


def _descendants(widget: widgets.Widget) -> list[widgets.Widget]:
    """All widgets inside of one, innermost first: children, and what it holds besides, such as layouts and styles."""
    held = [getattr(widget, name) for name in widget.keys]
    inner = [*getattr(widget, "children", ()), *(value for value in held if isinstance(value, widgets.Widget))]
    return [found for child in inner for found in (*_descendants(child), child)]
