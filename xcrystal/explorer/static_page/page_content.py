"""What a page shows: the map, crystals decoded beforehand, paths between them, and why the model says what it says."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.symmetry.conventional import conventional
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import ModelError, UnsupportedElementWarning, XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.drawing import point_colors
from xcrystal.explorer.drawing.palette import UNKNOWN
from xcrystal.explorer.map import map_figure, map_layer
from xcrystal.explorer.panels.attribution_bars import bars
from xcrystal.explorer.panels.attribution_panel import difference_words
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.static_page.packing import array, crystals
from xcrystal.generator import CrystalModel
from xcrystal.latent.landmarks import landmarks
from xcrystal.latent.nearest import Nearest
from xcrystal.latent.paths import interpolate
from xcrystal.latent.thinning import thin
from xcrystal.wrapping import NEAREST, differentiable

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.state import Point
    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable

FRAMES = 16
_AT_ONCE = 64
_COLORS = (*point_colors.FIRST[:3], "crystal_system", "number_of_elements", "density")  # of the map
_PATHS = (("NaCl", "MgO"), ("diamond", "Si"), ("rutile", "anatase"), ("ZnS", "CdTe"), ("spinel", "magnetite"))
_MOST_OWN = 4  # colourings by other properties of the atlas, beside those that the model predicts
_MOST_ENDS = 4  # of paths where none of these crystals is known
_FIRST = ("BaTiO3", "NaCl")
_STEPS_AWAY = 0.75  # of the grid, beyond which no crystal lies near a point of it, so that it is left out

Tick = Callable[[str, int], None]
"""Called with what was done and how many crystals of it; what it raises ends the work."""


@dataclass(frozen=True)
class Amounts:
    """How much is decoded beforehand.

    Attributes
    ----------
    crystals
        Of the atlas, spread over its map; those that everybody knows come on top.
    grid
        Points along each side of the map that are decoded where no crystal is.
    effort
        Of the decoder.
    """

    crystals: int = 4000
    grid: int = 36
    effort: str = "normal"


def map_part(atlas: Atlas, title: str, model: Explorable) -> dict[str, Any]:
    """Everything about the points of the map: coordinates, ids, formulas, space groups, colours."""
    table, every = atlas.table, np.arange(len(atlas))
    known = point_colors.colors(atlas)
    own = [name for name in known if name in atlas.properties and name not in _COLORS]
    own = [name for k, name in enumerate(own) if k < _MOST_OWN or name in model.properties]
    shown = [name for name in (*_COLORS, *own) if name in known]
    ids = [str(name) for name in table["material_id"]]
    groups = table["space_group"].to_numpy() if "space_group" in table else np.zeros(len(atlas))
    home = map_figure.home_window(atlas.inverse.places)
    return {
        "title": title,
        "model": model.name,
        "ours": isinstance(model, CrystalModel),
        "n": len(atlas),
        "x": array(atlas.inverse.places[:, 0].astype(np.float32)),
        "y": array(atlas.inverse.places[:, 1].astype(np.float32)),
        "ids": ids,
        "formulas": [str(formula) for formula in table["formula"]],
        "groups": array(groups.astype(np.uint8)),
        "symbols": ["", *(space_group(number).symbol for number in range(1, 231))],
        "colorings": [_coloring(atlas, name, every) for name in shown],
        "landmarks": map_layer.names(landmarks(atlas)),
        "layout": map_figure.layout(home),
        "config": map_figure.CONFIG,
        "sizes": [map_figure.point_size(len(atlas)), map_figure.KIND_SIZE],
        "unknown": UNKNOWN,
        "credit": any(map(words.in_materials_project, ids)),
        "properties": [_property(name) for name in model.properties],
        "caution": words.CAUTION,
    }


def _property(name: str) -> dict[str, Any]:
    return {"name": name, "title": words.title(name), "unit": words.unit(name)}


def _coloring(atlas: Atlas, name: str, rows: np.ndarray) -> dict[str, Any]:
    found = point_colors.coloring(atlas, name)
    return {
        "name": name,
        "title": found.title,
        "values": array(found.values.astype(np.float32)),
        "kinds": list(found.kinds),
        "absent": found.absent,
        "span": list(found.span),
        "scale": map_figure.scale(found),
        "legend": map_layer.legend(found, rows),
    }


def prediction_part(atlas: Atlas, model: Explorable) -> dict[str, Any]:
    """What the model predicts at the latent vector of each crystal, and the 90 % intervals."""
    values, intervals = model.predict(atlas.z), model.known_intervals(atlas.z)
    return {
        "values": {name: array(values[name].astype(np.float32)) for name in model.properties},
        "intervals": {name: array(bounds.astype(np.float32)) for name, bounds in intervals.items()},
    }


class CrystalParts:
    """The crystals of a page: of the atlas, of a grid over its map, and of paths; with explanations of some.

    Parameters
    ----------
    model, atlas
        What decodes, and what is known.
    amounts
        How much is decoded.
    tick
        Told of progress.
    """

    def __init__(self, model: Explorable, atlas: Atlas, amounts: Amounts, tick: Tick) -> None:
        self._points, self._atlas, self._model = Points(model, atlas), atlas, model
        self._amounts, self._tick = amounts, tick
        self._structures: list[Structure] = []
        self._named = {one.text: one.row for one in landmarks(atlas) if one.row is not None}
        spread = thin(atlas.inverse.places, max(1, amounts.crystals))
        if len(spread) > amounts.crystals:  # there are more cells with a crystal than were asked for
            spread = np.sort(np.random.default_rng(0).permutation(spread)[: max(1, amounts.crystals)])
        self._rows = np.union1d(spread, np.array(list(self._named.values()), dtype=int)).astype(int)
        self._grid = self._grid_points()
        self._ends = self._pairs()

    @property
    def total(self) -> int:
        """How many crystals are to be decoded or explained."""
        return len(self._rows) + len(self._grid) + FRAMES * len(self._ends) + len(self._explained_rows)

    def build(self) -> dict[str, Any]:
        """Decode all of it.

        Raises
        ------
        ModelError
            If the model decodes no crystal of the atlas.
        """
        sample, decoded = self._decode(self._atlas.z[self._rows], "crystals of the map")
        if not sample:
            raise ModelError(f"The model {self._model.name!r} decodes no crystal of the atlas {self._atlas.name}.")
        self._rows = self._rows[decoded]
        kept = set(self._rows.tolist())
        named = [self._named[name] for name in _FIRST if self._named.get(name) in kept]
        first = next(iter(named), int(self._rows[0]))
        return {
            "rows": array(self._rows.astype(np.int32)),
            "first": first,
            "nearest": array(self._nearest_kept().astype(np.uint16 if len(self._rows) < 65536 else np.int32)),
            "explained": self._explain(sample),
            "grid": self._of_grid(),
            "paths": [path for pair in self._ends if (path := self._path(*pair))],
            "crystals": crystals(self._structures),
        }

    def _nearest_kept(self) -> np.ndarray:
        """(N,) the number of the decoded crystal whose latent vector is nearest to that of each row."""
        return Nearest(self._atlas.z[self._rows]).query(self._atlas.z, 1)[0][:, 0]

    def _decode(self, z: np.ndarray, what: str) -> tuple[list[Point], list[int]]:
        """Those of n latent vectors (n, Z) that decode to a crystal, and which they are.

        Where a model of one's own decodes to nothing, the known crystal that stands for it is not copied.
        """
        points: list[Point] = []
        decoded: list[int] = []
        for start in range(0, len(z), _AT_ONCE):
            part = z[start : start + _AT_ONCE]
            structures = self._points.decode(part, self._amounts.effort)
            own = [k for k, structure in enumerate(structures) if structure.properties.get("chosen") != NEAREST]
            if own:
                made = [structures[k] for k in own]
                points += self._points.of(part[own], made, [what] * len(own), [()] * len(own))
                decoded += [start + k for k in own]
            self._tick(what, len(part))
        self._structures += [point.structure for point in points]
        return points, decoded

    # -- where no crystal is
    def _grid_points(self) -> np.ndarray:
        """(k, 2) the points of a regular grid near which some crystal lies."""
        inverse, side = self._atlas.inverse, self._amounts.grid
        if side < 2:
            return np.zeros((0, 2))
        (x0, y0), (x1, y1) = map_figure.home_window(inverse.places)
        grid = np.stack(np.meshgrid(np.linspace(x0, x1, side), np.linspace(y0, y1, side)), axis=-1).reshape(-1, 2)
        step = max(x1 - x0, y1 - y0) / (side - 1)
        near: np.ndarray = inverse.gaps(grid) * inverse.width <= _STEPS_AWAY * step
        return grid[near]

    def _of_grid(self) -> dict[str, Any]:
        first = len(self._structures)
        grid = self._grid
        codes = self._atlas.inverse.codes(grid) if len(grid) else grid
        points, decoded = self._decode(codes, "points between crystals")
        grid = grid[decoded]
        return {
            "first": first,
            "side": self._amounts.grid,
            "xy": array(grid.astype(np.float32)),
            "width": self._atlas.inverse.width,
            "near": [point.neighbours[0].row for point in points],
            **self._predicted(points),
        }

    def _predicted(self, points: Sequence[Point]) -> dict[str, Any]:
        """Predictions at the latent vectors of n points, and their 90 % intervals: lists by property.

        What is not finite, as a model of one's own may predict, is None.
        """

        def rounded(value: float) -> float | None:
            return float(f"{value:.5g}") if math.isfinite(value) else None

        def ends(interval: tuple[float, float]) -> list[float | None] | None:
            found = [rounded(end) for end in interval]
            return None if None in found else found

        return {
            "values": {name: [rounded(p.predicted[name]) for p in points] for name in self._model.properties},
            "intervals": {
                name: [ends(p.intervals[name]) for p in points] for name in (points[0].intervals if points else ())
            },
        }

    # -- paths
    def _pairs(self) -> list[tuple[int, int]]:
        """Rows of the ends of the paths: those that everybody knows, or else others of the atlas."""
        wanted = [(self._named[a], self._named[b]) for a, b in _PATHS if a in self._named and b in self._named]
        if wanted:
            return wanted
        others = (list(self._named.values()) if len(self._named) > 1 else self._rows.tolist())[:_MOST_ENDS]
        return list(pairwise(others))

    def _path(self, start: int, end: int) -> dict[str, Any] | None:
        """The frames of a path that decode; None if hardly any does."""
        first = len(self._structures)
        z = interpolate(self._atlas.z[start], self._atlas.z[end], FRAMES)
        points, _ = self._decode(z, "paths")
        if len(points) < 2:
            return None
        return {
            "first": first,
            "ends": [start, end],
            "title": " to ".join(self._name(row) for row in (start, end)),
            "xy": [[round(x, 4) for x in point.position] for point in points],
            "near": [point.neighbours[0].row for point in points],
            "formulas": [words.formula_of(point.structure) for point in points],
            **self._predicted(points),
        }

    def _name(self, row: int) -> str:
        """Of a crystal as people say it: "rutile (TiO2)", "NaCl"."""
        formula = str(self._atlas.table["formula"].iat[row])
        name = next((name for name, at in self._named.items() if at == row), formula)
        return name if name == formula else f"{name} ({formula})"

    # -- why
    @property
    def _explained_rows(self) -> list[int]:
        return [] if self._model.lacks("gradients") else list(dict.fromkeys(self._named.values()))

    def _explain(self, sample: Sequence[Point]) -> dict[str, Any]:
        """By row and property: bars of the orbits, colours of the atoms of the conventional cell, and a sentence."""
        place = {int(row): k for k, row in enumerate(self._rows)}
        found: dict[str, Any] = {}
        for row in self._explained_rows:
            explained = self._explained(conventional(sample[place[row]].structure))
            if explained:
                found[str(row)] = explained
            self._tick("explanations", 1)
        return found

    def _explained(self, structure: Structure) -> dict[str, Any]:
        from xcrystal.explanation.attribution import attribute

        model = differentiable(self._model)
        found: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            try:
                orbits = model.canonical(structure).orbit_of_atom
            except XCrystalError:
                return {}  # what was decoded cannot be encoded again
            for name in self._model.properties:
                try:
                    why = attribute(model, structure, name, level="orbits")
                except XCrystalError:
                    continue  # what the method cannot explain must not cost the page
                scores = np.nan_to_num(why.atom_scores) if why.atom_scores is not None else np.zeros(len(structure))
                drawn = bars(why, orbits)
                found[name] = {
                    "said": difference_words(why),
                    "span": drawn["span"],
                    "rows": [[row["label"], row["value"], row["text"], row["color"]] for row in drawn["rows"]],
                    "colors": array(np.rint(255 * why.scale(scores).colors(scores)).astype(np.uint8)),
                }
        return found
