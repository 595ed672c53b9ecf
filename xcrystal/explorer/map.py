"""The map: every atlas crystal as a point, coloured by a property; a click goes to the nearest one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from xcrystal.explorer import words
from xcrystal.explorer.markers import Markers
from xcrystal.explorer.palette import SEQUENTIAL, UNKNOWN
from xcrystal.explorer.plotlycompat import complete_figure_class
from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.explorer.session import Session

HEIGHT = 430
_MARGIN = {"l": 6, "r": 6, "t": 6, "b": 6}


class MapView(View):
    """Colour choice, points with markers over them, and the credit."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self._xy = session.atlas.table[["x", "y"]].to_numpy(dtype=np.float32)
        self._drawn_color = session.color
        foreign = not any(words.in_materials_project(str(name)) for name in session.atlas.table.material_id)
        self._credit = "" if foreign else f": {words.CREDIT_HTML}"
        self.color = widgets.Dropdown(
            options=[(words.with_unit(name), name) for name in session.colors],
            value=session.color or None,
            description="Map by",
            tooltip="What colours the points of the map",
        )
        self.color.add_class("xc-color")
        self.figure = _figure(session)
        self.figure.add_class("xc-points")
        self.markers = Markers(self._clicked)
        self.credit = widgets.HTML()
        self.credit.add_class("xc-credit")
        bar = widgets.HBox([self.color])
        bar.add_class("xc-bar")
        plot = widgets.VBox([self.figure, self.markers])
        plot.add_class("xc-plot")
        super().__init__([bar, plot, self.credit])
        self.add_class("xc-map")
        self.color.observe(self._on_color, "value")
        self.listen(session)
        self._mark()

    # -- from the user

    def _on_color(self, change: Any) -> None:
        if change.new != self.session.color:
            self.worker.submit("color", lambda: self.session.color_by(change.new))

    def _clicked(self, x: float, y: float, dx: float, dy: float) -> None:
        row = nearest(self._xy, (x, y), (dx, dy))
        self.worker.submit("select", lambda: self.session.select(row))

    # -- from the session

    def _on_event(self, event: str) -> None:
        if event == "crystal":
            self._mark()
        elif event == "color":
            self._recolor()

    def _mark(self) -> None:
        session = self.session
        markers = [{"x": session.position[0], "y": session.position[1], "kind": "current"}]
        if session.loaded is not None and session.loaded.position is not None:
            markers.append({"x": session.loaded.position[0], "y": session.loaded.position[1], "kind": "loaded"})
        self.markers.markers = markers
        here = f"Here: {words.material_link(session.material_id)}." if session.material_id else ""
        if not here and session.neighbours:
            here = f"Nearest known: {words.material_link(session.neighbours[0].material_id)}."
        self.credit.value = f"{len(self._xy):,} crystals{self._credit}. {here}"

    def _recolor(self) -> None:
        name = self.session.color
        self.color.value = name or None
        if name == self._drawn_color:
            return
        self._drawn_color = name
        with self.figure.batch_update():
            self.figure.data[1].update(_coloring(self.session, name))


def nearest(points: np.ndarray, place: tuple[float, float], pixel: tuple[float, float]) -> int:
    """Index of the point (n, 2) that is nearest on the screen, where a pixel has the size ``pixel``."""
    return int((((points - np.array(place)) / np.array(pixel)) ** 2).sum(axis=1).argmin())


def _coloring(session: Session, name: str) -> dict[str, Any]:
    """What shows the column ``name``; points of unknown value are see-through, with the grey ones below."""
    table = session.atlas.table
    values = table[name].to_numpy(dtype=np.float32) if name else np.full(len(table), np.nan, dtype=np.float32)
    known = np.isfinite(values)
    low, high = np.quantile(values[known], [0.01, 0.99]) if known.any() else (0.0, 1.0)
    line = f"<br>{words.title(name)}: " if name else ""
    told = f"%{{text}}{line}%{{marker.color:.4~g}} {words.unit(name)}<extra></extra>"
    untold = f"%{{text}}{line}{'not known' if name else ''}<extra></extra>"
    return {
        "marker": {
            "color": np.where(known, values, np.float32(low)),
            "opacity": np.where(known, np.float32(0.9), np.float32(0)),
            "cmin": float(low),
            "cmax": float(max(high, low + 1e-6)),
            "showscale": bool(known.any()),
            "colorbar": {"title": {"text": words.with_unit(name), "side": "right"}},
        },
        "hovertemplate": np.where(known, told, untold).tolist(),
    }


def _figure(session: Session) -> Any:
    table = session.atlas.table
    coloring = _coloring(session, session.color)
    bar = {**coloring["marker"]["colorbar"], "thickness": 12, "outlinewidth": 0, "xpad": 4, "len": 0.96}
    scale = [[k / (len(SEQUENTIAL) - 1), color] for k, color in enumerate(SEQUENTIAL)]
    names = escape("\n".join(table.formula.astype(str) + "\r" + table.material_id.astype(str)))
    places = {
        "type": "scattergl",
        "mode": "markers",
        "x": table.x.to_numpy(dtype=np.float32),
        "y": table.y.to_numpy(dtype=np.float32),
    }
    points = [
        {**places, "hoverinfo": "skip", "marker": {"size": 4, "color": UNKNOWN}},
        {
            **places,
            "text": names.replace("\r", "<br>").split("\n"),
            "hovertemplate": coloring["hovertemplate"],
            "marker": {**coloring["marker"], "size": 4, "colorscale": scale, "colorbar": bar},
        },
    ]
    bare = {"visible": False, "showgrid": False, "zeroline": False}
    layout = {
        "height": HEIGHT,
        "autosize": True,
        "margin": _MARGIN,
        "dragmode": "pan",
        "hovermode": "closest",
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": bare,
        "yaxis": dict(bare),
        "font": {"size": 12},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#888", "activecolor": "#1976d2"},
    }
    # plotly's validation walks over all points several times, half a second for what we know to be right
    figure = complete_figure_class()(data=points, layout=layout, _validate=False)
    figure._config = {
        **figure._config,
        "scrollZoom": True,
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d"],
    }
    figure.introduce()
    return figure
