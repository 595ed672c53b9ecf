"""The map: every atlas crystal as a point, coloured by a property, under a layer that handles the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from xcrystal.explorer.map.map_figure import Points
from xcrystal.explorer.map.map_layer import Markers
from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session


class MapView(View):
    """The points, and the layer of markers and controls over them."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        chosen = session.state.selection
        rows = None if chosen is None else chosen.rows
        self.points = Points(session.atlas, session.state.color, rows, session.state.color_map)
        self.markers = Markers(session, worker, self.points)
        plot = widgets.VBox([self.points.figure, self.markers])
        plot.add_class("xc-plot")
        super().__init__([plot])
        self.add_class("xc-map")
        self.listen(session)

    def _on_event(self, event: str) -> None:
        if event == "color":
            self.points.color_by(self.session.state.color, self.session.state.color_map)
        elif event == "selection":
            chosen = self.session.state.selection
            self.points.select(None if chosen is None else chosen.rows)
        if event in ("color", "selection"):
            self.markers.refresh()  # after the points, whose colours its legend explains
