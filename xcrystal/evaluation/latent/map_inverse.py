"""How good the inverse of the map is: how far from a place the crystal lies that is decoded for it.

The crystal is encoded again and placed on the map by its own code, so the decoder's own errors count as well.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.crystal_sets import cell_of
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.errors import UnsupportedElementWarning, XCrystalError
from xcrystal.latent.inverse import MapInverse
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

EMPTY = 0.01  # a place is empty if no crystal is nearer than this share of the map's width
_JITTER = 0.003  # of places among crystals, from a crystal, as a share of the width
_STEP = 0.004  # of a hand that drags
_STEPS = 20


@dataclass(frozen=True)
class InverseFigures:
    """Of one way to invert the map, at one kind of place.

    Attributes
    ----------
    way, places
        How codes are made; "among crystals" or "empty".
    median, upper
        Distance from the wanted place to the decoded crystal's own, as a share of the map's width: its median, and its
        90 % quantile.
    gap
        Median distance from the wanted place to the nearest known crystal, likewise.
    no_overlap
        Share of decodes without an overlap.
    unplaced
        Share of decodes that cannot be encoded, and so have no place.
    """

    way: str
    places: str
    median: float
    upper: float
    gap: float
    no_overlap: float
    unplaced: float


@dataclass(frozen=True)
class DragFigures:
    """What a hand sees that drags over the map in small steps.

    Attributes
    ----------
    shared_elements
        Mean share of elements that the crystals before and after a step have in common, of all that they hold.
    same_group
        Share of steps that keep the space group.
    milliseconds
        Time to make one code, warm.
    """

    way: str
    shared_elements: float
    same_group: float
    milliseconds: float


@dataclass(frozen=True)
class InverseReport(Report):
    """Figures at places, and of drags; ``n`` places of each kind."""

    n: int
    at_places: list[InverseFigures]
    dragged: list[DragFigures]

    def table(self) -> str:
        """Two tables for reading."""
        head = ("codes", "places", "off, median", "off, 90 %", "nearest crystal", "no overlap", "without a place")
        rows = [
            (f.way, f.places, *(f"{100 * x:.2f} %" for x in (f.median, f.upper, f.gap)), f"{f.no_overlap:.0%}",
             f"{f.unplaced:.0%}")
            for f in self.at_places
        ]  # fmt: skip
        drags = [
            (f.way, f"{f.shared_elements:.2f}", f"{f.same_group:.0%}", f"{f.milliseconds:.2f} ms") for f in self.dragged
        ]
        return (
            f"{self.n} places of each kind; distances in shares of the map's width.\n{columns([head, *rows])}\n\n"
            f"Dragged in steps of {100 * _STEP:.1f} %.\n"
            f"{columns([('codes', 'shared elements', 'same group', 'a code'), *drags])}"
        )


def evaluate_map(model: CrystalModel, atlas: Atlas, n: int = 200, seed: int = 0) -> InverseReport:
    """Measure the inverse of an atlas' map, beside taking the nearest crystal's code.

    Parameters
    ----------
    model, atlas
        What decodes, and whose map.
    n
        Places among crystals, and as many empty ones inside of the map.
    seed
        Of the places.
    """
    rng = np.random.default_rng(seed)
    ways = {"ours": atlas.inverse, "nearest code": MapInverse(atlas.z, atlas.inverse.places, nearest=1)}
    width = atlas.inverse.width
    near = atlas.inverse.places[rng.choice(len(atlas), n)] + rng.normal(0, _JITTER * width, (n, 2))
    kinds = {"among crystals": near, "empty": _empty_places(atlas, n, rng)}
    ends = atlas.inverse.places[rng.choice(len(atlas), (max(1, n // _STEPS), 2))]
    along = ends[:, 1] - ends[:, 0]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    drags = ends[:, :1] + np.arange(_STEPS)[:, None] * _STEP * width * along[:, None]
    figures = [
        _figures(model, atlas, way, inverse, kind, places)
        for kind, places in kinds.items()
        if len(places)
        for way, inverse in ways.items()
    ]
    return InverseReport(n, figures, [_dragged(model, way, inverse, drags) for way, inverse in ways.items()])


def _empty_places(atlas: Atlas, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 2) places inside of the hull of the map, without a crystal nearby; none if the map is full, or flat."""
    from scipy.spatial import Delaunay, QhullError

    places = atlas.inverse.places
    try:
        hull = Delaunay(places)
    except (QhullError, ValueError):
        return np.zeros((0, 2))
    found = [np.zeros((0, 2))]
    for _ in range(100):
        tried = rng.uniform(places.min(axis=0), places.max(axis=0), (4 * n, 2))
        found.append(tried[(hull.find_simplex(tried) >= 0) & (atlas.inverse.gaps(tried) > EMPTY)])
        if sum(map(len, found)) >= n:
            break
    return np.concatenate(found)[:n]


def _figures(
    model: CrystalModel, atlas: Atlas, way: str, inverse: MapInverse, kind: str, places: np.ndarray
) -> InverseFigures:
    off, overlapping = [], 0
    for place, structure in zip(places, model.decode(inverse.codes(places)), strict=True):
        cell = cell_of(structure) if len(structure) else None
        overlapping += cell is None or shortest_contact(cell.lattice, cell.frac, cell.numbers).ratio < SHORT_CONTACT
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnsupportedElementWarning)
                landed = atlas.place(model.encode(structure))[0]
        except XCrystalError:
            continue
        off.append(np.linalg.norm(landed - place) / inverse.width)
    median, upper = np.quantile(off, [0.5, 0.9]) if off else (float("nan"), float("nan"))
    return InverseFigures(
        way=way,
        places=kind,
        median=float(median),
        upper=float(upper),
        gap=float(np.median(inverse.gaps(places))),
        no_overlap=1 - overlapping / len(places),
        unplaced=1 - len(off) / len(places),
    )


def _dragged(model: CrystalModel, way: str, inverse: MapInverse, drags: np.ndarray) -> DragFigures:
    shared, same = [], []
    times = []
    for drag in drags:
        crystals = model.decode(inverse.codes(drag), effort="fast")
        for before, after in pairwise(crystals):
            one, other = set(before.composition), set(after.composition)
            shared.append(len(one & other) / max(1, len(one | other)))
            same.append(before.properties["space_group"] == after.properties["space_group"])
        for x, y in drag:
            started = time.perf_counter()
            inverse.code(x, y)
            times.append(time.perf_counter() - started)
    return DragFigures(way, float(np.mean(shared)), float(np.mean(same)), 1000 * float(np.median(times)))
