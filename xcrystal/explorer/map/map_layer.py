"""What lies over the points of the map: markers, tooltip, tools; and what is done there with the pointer."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import numpy as np
import traitlets

from xcrystal.explorer import words
from xcrystal.explorer.crystal_stills import CrystalStills
from xcrystal.explorer.drawing import point_colors
from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS, QUALITATIVE, UNKNOWN
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.latent.landmarks import Landmark, landmarks

if TYPE_CHECKING:
    from xcrystal.explorer.drawing.point_colors import Coloring
    from xcrystal.explorer.map.density_raster import Raster
    from xcrystal.explorer.map.map_figure import Points
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker

HIT = 8.0  # pixels around a point in which a press is meant for it
HOVER = 10.0
_LINES = 5  # of a tooltip


class Markers(Panel):
    """The layer over the plotly figure in the same ``.xc-plot`` box, with the bar above and the legend below it.

    Parameters
    ----------
    session, worker
        What is shown, and who does what users ask for.
    points
        What is drawn below.

    Attributes
    ----------
    landmarks
        x, y, text, and whether it is a crystal, of each name on the map, the more important ones first; sent once,
        after the points have been drawn.
    raster
        The density below the points: its ``window`` (x from, x to, y from, y to) and ``address``, a data URL; empty
        without one.
    """

    _esm = script("map_layer")
    _css = style("map_layer")
    pace: ClassVar[float] = 0.0  # follows the pointer
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "shown", "own", "path", "matches", "designs"})
    landmarks: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    raster: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, session: Session, worker: Worker, points: Points) -> None:
        self._points, self._sent = points, points.raster
        ids = session.atlas.table["material_id"].astype(str)
        # all at once, since a look at each id of a large atlas takes half a second
        likely = ids[ids.str.startswith(("mp-", "mvc-"))]
        self._credited = any(map(words.in_materials_project, likely))
        super().__init__(session, worker)
        self.raster = _raster(points.raster)
        self.add_class("xc-markers")

    @property
    def markers(self) -> list[dict[str, Any]]:
        """What is marked: dictionaries of ``x``, ``y``, ``kind``, and words for those who hover or cannot see."""
        session, point = self.session, self.session.state.point
        drawn = session.display.loaded_alone
        here = "the current crystal"
        if drawn is not None and drawn.reason:
            here = f"the {point.label}; {drawn.name}, which is drawn, cannot be encoded and is not on the map"
        marks = [_mark("current", point.position, here)]
        if session.state.loaded is not None and session.state.loaded.position is not None:
            marks.append(_mark("loaded", session.state.loaded.position, session.state.loaded.caption))
        for letter, end in zip("AB", session.state.ends, strict=True):
            if end is not None:
                marks.append(_mark("end", end.position, f"{letter}: {end.label}", letter))
        for number, own in enumerate(session.state.own, 1):
            marks.append(_mark("own", own.position, own.name, str(number)))
        found = session.diffraction.last
        for number, position in enumerate(() if found is None else found.positions, 1):
            if position is not None:
                marks.append(_mark("match", position, f"match {number} of the measured pattern", str(number)))
        for number, design in enumerate(session.state.designs, 1):
            marks.append(_mark("design", design.position, f"design {number}", str(number)))
        if point.wanted is not None:
            marks.append(_mark("wanted", point.wanted, "the coordinates that were asked for"))
            if point.landed is not None:
                marks.append(_mark("landed", point.landed, "where the decoded crystal itself lies"))
        return marks

    def refresh(self) -> None:
        """Draw anew, with the density if it is another one."""
        if self._points.raster is not self._sent:
            self._sent = self._points.raster
            self.raster = _raster(self._sent)
        super().refresh()

    def describe(self) -> dict[str, Any]:
        """Markers, neighbours, path, legend and words."""
        session, point = self.session, self.session.state.point
        xy, path = self._points.xy, session.state.path
        chosen = session.state.selection
        return {
            "markers": self.markers,
            "ring": [xy[n.row].tolist() for n in point.neighbours],
            "path": [] if path is None else [frame.position for frame in path.frames],
            "off": self._off(),
            "here": self._here(),
            "color": session.state.color,
            "colors": [[name, point_colors.title(name)] for name in point_colors.colors(session.atlas)],
            "legend": self._legend(),
            "selected": None if chosen is None else [len(chosen.rows), chosen.title],
            "crystals": f"{len(xy):,}",
            "credit": self._credited,
            "shown": self._shown(),
            "beyond": f"{self._points.beyond:,} more around: zoom out" if self._points.beyond else "",
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Go somewhere, select, colour, or look elsewhere."""
        session, action = self.session, message["act"]
        if action == "click":
            point, pixel = _numbers(message, "x", "y"), _numbers(message, "dx", "dy")
            row, off = self._points.nearest((point[0], point[1]), (pixel[0], pixel[1]))
            if off <= HIT:
                session.select(row)
            else:
                session.navigation.go_to_coordinates(*point)
        elif action == "drag":
            session.navigation.go_to_coordinates(*_numbers(message, "x", "y"), moving=True)
        elif action == "own":
            session.own_crystals.show(int(message["number"]))
        elif action == "polygon":
            session.selections.select_polygon(message.get("points"))
        elif action == "deselect":
            session.selections.clear()
        elif action == "color" and point_colors.known(session.atlas, str(message.get("name"))):
            session.display.color_by(str(message["name"]))
        elif action == "window":
            x0, x1, y0, y1 = _numbers(message, "x0", "x1", "y0", "y1")
            self._points.look_at((x0, x1, y0, y1))

    def _receive(self, widget: Any, message: Any, buffers: Any) -> None:
        act = message.get("act") if isinstance(message, dict) else None
        # these only read, so they need not wait for the crystal that is being decoded
        if act == "hover":
            self._hover(message)
        elif act == "still":
            row = int(message["row"])
            if 0 <= row < len(self.session.atlas):
                self.send({"type": "still", "row": row, "drawing": CrystalStills.of(self.session).draw([row])[row]})
        elif act == "landmarks":
            threading.Thread(target=self._find_landmarks, name="xcrystal-landmarks", daemon=True).start()
        else:
            super()._receive(widget, message, buffers)

    def _find_landmarks(self) -> None:
        self.landmarks = names(landmarks(self.session.atlas))

    def _hover(self, message: dict[str, Any]) -> None:
        x, y, dx, dy = _numbers(message, "x", "y", "dx", "dy")
        row, off = self._points.nearest((x, y), (dx, dy))
        if off > HOVER:
            self.send({"type": "hover", "lines": [], "row": -1})
        else:
            self.send({"type": "hover", "lines": self._tooltip(row), "row": row})

    def _tooltip(self, row: int) -> list[str]:
        table = self.session.atlas.table
        lines = [str(table["formula"].iat[row]), str(table["material_id"].iat[row])]
        coloring = self._points.coloring
        lines.append(coloring.text(row))
        lines += [
            f"{words.with_unit(name)}: {float(table[name].iat[row]):.4g}"
            for name in point_colors.FIRST
            if name in table and name != coloring.name and math.isfinite(float(table[name].iat[row]))
        ]
        return [line for line in lines if line][:_LINES]

    def _legend(self) -> dict[str, Any]:
        points, raster = self._points, self._points.raster
        found = legend(points.coloring, points.rows if raster is None else None, points.color_map)
        if raster is not None:
            found["shades"] = f"the denser, the stronger the colour, up to {raster.most:,} crystals a dot (log scale)"
        return found

    def _shown(self) -> str:
        points, count = self._points, f"{len(self._points.xy):,}"
        if points.raster is not None:
            return f"density of {count} crystals; zoom in for single ones"
        return f"{len(points.rows):,} of {count} shown" if points.thinned else ""

    def _off(self) -> str:
        """How far the decoded crystal lies from the coordinates that were asked for, in words."""
        point, inverse = self.session.state.point, self.session.atlas.inverse
        if point.wanted is None:
            return ""
        if point.landed is None:
            return "The crystal decoded at these coordinates cannot be placed on the map."
        share = inverse.distance(point.wanted, point.landed)
        said = "less than 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
        return f"The crystal decoded here lies {said} of the map's width from the point you chose."

    def _here(self) -> dict[str, str]:
        session = self.session
        known = session.state.point.material_id
        name = known or (session.state.point.neighbours[0].material_id if session.state.point.neighbours else "")
        return {"title": "Here" if known else "Nearest known", "name": name, "href": _address(name)}


def _raster(raster: Raster | None) -> dict[str, Any]:
    return {} if raster is None else {"window": raster.window, "address": raster.address}


def _mark(kind: str, point: tuple[float, float], text: str, sign: str = "") -> dict[str, Any]:
    return {"kind": kind, "x": point[0], "y": point[1], "text": text, "sign": sign}


def _address(material_id: str) -> str:
    """Of a material's page; empty if it is none of the Materials Project's."""
    if not words.in_materials_project(material_id):
        return ""
    return f"https://next-gen.materialsproject.org/materials/{quote(material_id, safe='')}"


def _numbers(message: dict[str, Any], *names: str) -> list[float]:
    return [float(message[name]) for name in names]


def legend(coloring: Coloring, rows: np.ndarray | None, color_map: str = COLOR_MAP) -> dict[str, Any]:
    """What the colours of the points ``rows`` (n,), or of all, say, as the script of the layer draws it."""
    low, high = coloring.span
    values = coloring.values if rows is None else coloring.values[rows]
    missing = bool(coloring.name) and not np.isfinite(values).all()
    return {
        "title": coloring.title,
        "low": f"{low:.3g}",
        "high": f"{high:.3g}",
        "colors": [] if coloring.kinds or not coloring.name else COLOR_MAPS[color_map],
        "kinds": [[kind, QUALITATIVE[k % len(QUALITATIVE)]] for k, kind in enumerate(coloring.kinds)],
        "absent": [coloring.absent, UNKNOWN] if missing else None,
        "shades": "",
    }


def names(found: Iterable[Landmark]) -> list[list[Any]]:
    """Landmarks as the script of the layer draws them: x, y, text, and whether each is a crystal."""
    return [[round(one.x, 3), round(one.y, 3), one.text, int(one.row is not None)] for one in found]
