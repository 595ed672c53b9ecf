"""The explorer: a session, a worker and the views, put together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from xcrystal.explorer import words
from xcrystal.explorer.door import DoorView
from xcrystal.explorer.facts import FactsView
from xcrystal.explorer.map import MapView
from xcrystal.explorer.session import Session
from xcrystal.explorer.sliders import SliderView
from xcrystal.explorer.structure import StructureView
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.chart import Atlas


class Explorer(widgets.VBox):
    """Map, structure, sliders and facts of one session, linked both ways.

    Parameters
    ----------
    session
        What is explored.

    Attributes
    ----------
    session
        All state; call its methods from any cell and the views follow.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._worker = Worker(session.settle, self._failed)
        views = (DoorView, MapView, StructureView, SliderView, FactsView)
        self._views = tuple(view(session, self._worker) for view in views)
        door, chart, structure, sliders, facts = self._views
        caution = widgets.HTML(words.CAUTION)
        caution.add_class("xc-caution")
        upper, lower = widgets.Box([chart, structure]), widgets.Box([sliders, facts])
        for row in (upper, lower):
            row.add_class("xc-row")
        super().__init__([door, upper, caution, lower])
        self.add_class("xc-explorer")

    def close(self) -> None:
        """End the worker and close all widgets, here and in the browser."""
        self._worker.close()
        for view in self._views:
            view.close()
        for widget in _descendants(self):
            widget.close()
        super().close()

    def _failed(self, error: Exception) -> None:
        self.session.report(f"Something unexpected went wrong ({type(error).__name__}: {error}).")


def explore(
    source: Any = None,
    *,
    model: str | os.PathLike[str] | CrystalModel = "mp20",
    atlas: str | os.PathLike[str] | Atlas | None = None,
) -> Explorer:
    """Open the explorer; show it as the last line of a notebook cell.

    Parameters
    ----------
    source
        A path, a pymatgen Structure, or a material id of the atlas to begin with; None for BaTiO3 (mp-5986) if the
        atlas has it, otherwise NaCl or the crystal nearest the atlas' centre. What cannot be read is said in the
        explorer.
    model
        A model, its name, or its folder.
    atlas
        An atlas, its name or folder; by default the one that belongs to the model.

    Raises
    ------
    CheckpointError, DatasetError
        If there is no such model or atlas.
    """
    from xcrystal.generator import open_model
    from xcrystal.latent.chart import open_atlas

    opened = open_model(os.fspath(model)) if isinstance(model, (str, os.PathLike)) else model
    if atlas is None or isinstance(atlas, (str, os.PathLike)):
        atlas = open_atlas(os.fspath(atlas or opened.name))
    session = Session(opened, atlas)
    if source is not None:
        session.load(source)
    return Explorer(session)


def _descendants(widget: widgets.Widget) -> list[widgets.Widget]:
    """All widgets inside of one, innermost first: children, and what it holds besides, such as layouts and styles."""
    held = [getattr(widget, name) for name in widget.keys]
    inner = [*getattr(widget, "children", ()), *(value for value in held if isinstance(value, widgets.Widget))]
    return [found for child in inner for found in (*_descendants(child), child)]
