"""What lies where on the map: regions named by chemistry and structure, and crystals that everybody knows.

A region is a patch of neighbouring cells, of grids from coarse to fine, in which most crystals are of one kind. It has
a name if enough of them lie close together, and the name stands where most do. What a crystal is, is judged by its
formula, its motifs and its space group, as a search judges it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.crystal.elements import atomic_numbers
from xcrystal.latent.compositions import Formula, parse_formula
from xcrystal.latent.labelling import has_motif
from xcrystal.latent.structure_types import structure_type

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

MOST = 220  # landmarks of an atlas
CENTRAL = 0.01  # share of the crystals on each side of the map that are its fringe
_GRIDS = (5, 9, 16, 28, 48)  # cells along each side
_FEWEST = 8  # crystals of a region, and of a cell
_CLOSE = 0.02  # sides of the map
_SHARE = 0.005  # of all crystals, to be so close together in a region of a grid of one cell; in finer ones, less
_MAJORITY = 0.55
_ENOUGH = 100_000  # crystals that regions are told from, spread over a larger atlas
_OXYANIONS = {"C": "carbonates", "N": "nitrates", "P": "phosphates", "S": "sulfates", "Si": "silicates", "B": "borates"}
_KINDS = (
    ("F", "fluorides"),
    ("Cl", "chlorides"),
    ("Br", "bromides"),
    ("I", "iodides"),
    ("N", "nitrides"),
    ("S", "sulfides"),
    ("Se", "selenides"),
    ("Te", "tellurides"),
    ("H", "hydrides"),
    ("P", "phosphides"),
    ("As", "arsenides"),
    ("C", "carbides"),
    ("Sb", "antimonides"),
    ("B", "borides"),
    ("Si", "silicides"),
    ("Ge", "germanides"),
)
_MOTIFS = {"perovskite": "perovskite", "rock_salt": "rock-salt"}
_TYPES = {  # structure types that fill regions: their name in the gallery, and as it stands before "oxides"
    "Heusler": "Heusler",
    "half-Heusler": "half-Heusler",
    "spinel": "spinel",
    "pyrochlore": "pyrochlore",
    "fluorite": "fluorite",
    "rutile": "rutile",
    "zinc blende": "zinc-blende",
    "wurtzite": "wurtzite",
    "chalcopyrite": "chalcopyrite",
    "caesium chloride": "CsCl-type",
    "ordered copper-gold 3:1": "Cu3Au-type",
    "cubic Laves phase": "Laves",
    "hexagonal Laves phase": "Laves",
    "thorium chromium silicide": "ThCr2Si2-type",
    "calcium copper five": "CaCu5-type",
    "titanium trialuminide": "TiAl3-type",
    "bismuth trifluoride": "BiF3-type",
    "potassium hexachloroplatinate": "K2PtCl6-type",
    "Ruddlesden-Popper": "Ruddlesden-Popper",
    "matlockite": "PbFCl-type",
}
_WELL_KNOWN = (  # formula, its space groups, and what it is called if not by its formula
    ("NaCl", (225,), ""), ("C", (227,), "diamond"), ("BaTiO3", (99, 38, 160, 221), ""), ("Si", (227,), ""),
    ("SiO2", (152, 154), "quartz"), ("TiO2", (136,), "rutile"), ("Cu", (225,), ""), ("CaCO3", (167,), "calcite"),
    ("LiCoO2", (166,), ""), ("MgAl2O4", (227,), "spinel"), ("GaAs", (216,), ""), ("MoS2", (194, 160), ""),
    ("C", (194,), "graphite"), ("Al2O3", (167,), "corundum"), ("CaF2", (225,), "fluorite"), ("Fe", (229,), "iron"),
    ("LiFePO4", (62,), ""), ("Bi2Te3", (166,), ""), ("CsPbI3", (62, 221), ""), ("ZrSiO4", (141,), "zircon"),
    ("MgO", (225,), ""), ("ZnO", (186,), ""), ("GaN", (186,), ""), ("CsCl", (221,), ""), ("SrTiO3", (221, 140), ""),
    ("CaTiO3", (62,), ""), ("Fe2O3", (167,), "hematite"), ("Fe3O4", (227,), "magnetite"), ("FeS2", (205,), "pyrite"),
    ("TiO2", (141,), "anatase"), ("BN", (194,), ""), ("ZnS", (216,), ""), ("CdTe", (216,), ""), ("PbTe", (225,), ""),
    ("LaNi5", (191,), ""), ("MgB2", (191,), ""), ("LaB6", (221,), ""), ("Nb3Sn", (223,), ""), ("Mg2SiO4", (62,), ""),
    ("Y2Ti2O7", (227,), ""), ("K2PtCl6", (225,), ""), ("KCl", (225,), ""), ("Cu2O", (224,), ""), ("SnO2", (136,), ""),
    ("LaMnO3", (62,), ""), ("Mg", (194,), ""), ("W", (229,), ""), ("BaSO4", (62,), ""), ("Li2O", (225,), ""),
    ("CuFeS2", (122,), ""), ("Li3N", (191,), ""), ("H2O", (), "ice"), ("Si3N4", (176,), ""), ("WC", (187,), ""),
)  # fmt: skip


@dataclass(frozen=True)
class Landmark:
    """A name on the map.

    Attributes
    ----------
    x, y
        UMAP coordinates.
    text
        What stands there.
    row
        Of the crystal in the atlas; None for a region.
    """

    x: float
    y: float
    text: str
    row: int | None = None


_OF_ATLAS: WeakKeyDictionary[Atlas, tuple[Landmark, ...]] = WeakKeyDictionary()


def landmarks(atlas: Atlas) -> tuple[Landmark, ...]:
    """Regions and well-known crystals (k,), at most ``MOST``, the more important ones first."""
    if atlas not in _OF_ATLAS:
        crystals, regions = list(_crystals(atlas)), _regions(atlas)
        # the largest regions, then what everybody knows, and so on by turns
        ordered = [*regions[:12], *crystals[:8], *regions[12:48], *crystals[8:], *regions[48:]]
        _OF_ATLAS[atlas] = tuple(ordered[:MOST])
    return _OF_ATLAS[atlas]


def central_window(places: np.ndarray) -> np.ndarray:
    """(2, 2) lower and upper corner of the map without its fringe of few crystals far from the others."""
    low, high = np.quantile(places, [CENTRAL, 1 - CENTRAL], axis=0)
    free = 0.05 * (high - low)
    every = np.stack([places.min(axis=0), places.max(axis=0)])
    return np.stack([np.maximum(low - free, every[0]), np.minimum(high + free, every[1])])


def chemistry(formula: Formula) -> str:
    """What compounds of this composition are called by their anion, in the plural; "intermetallics" without one."""
    held = {element for element, _ in formula}
    if len(formula) == 1:
        return "elements"
    if atomic_numbers()["O"] in held:
        rest = [name for symbol, name in _OXYANIONS.items() if atomic_numbers()[symbol] in held]
        oxygen = dict(formula)[atomic_numbers()["O"]]
        others = sum(count for element, count in formula if element in _oxyanion_formers())
        return rest[0] if len(rest) == 1 and oxygen >= 2 * others else "oxides"
    return next((name for symbol, name in _KINDS if atomic_numbers()[symbol] in held), "intermetallics")


@cache
def _oxyanion_formers() -> frozenset[int]:
    return frozenset(atomic_numbers()[symbol] for symbol in _OXYANIONS)


def _kinds(atlas: Atlas) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """(N,) number of each crystal's chemistry and structure, -1 for none; and what the numbers mean."""
    formulas, which = atlas.formulas
    names = [chemistry(formula) if formula else "" for formula in formulas]
    chemistries = sorted({name for name in names if name})
    number = {name: k for k, name in enumerate(chemistries)} | {"": -1}
    of_chemistry = np.array([number[name] for name in names])[which]
    structures = list(dict.fromkeys([*_TYPES.values(), *_MOTIFS.values()]))
    of_structure = np.full(len(atlas), -1)
    if "space_group" in atlas.table:
        groups = atlas.table["space_group"].to_numpy()
        for name, called in _TYPES.items():
            kind = structure_type(name)
            rows = np.flatnonzero(np.isin(groups, kind.groups))
            fits = [k for k in set(which[rows].tolist()) if (formula := formulas[k]) is not None and kind.fits(formula)]
            of_structure[rows[np.isin(which[rows], fits)]] = structures.index(called)
    for motif, called in _MOTIFS.items():
        if (held := has_motif(atlas, motif)) is not None:
            of_structure[held] = structures.index(called)
    return of_chemistry, of_structure, chemistries, structures


def _regions(atlas: Atlas) -> list[Landmark]:
    """Regions of all grids: the largest of each name, the larger ones first, then the second largest, and so on."""
    from scipy.ndimage import label
    from scipy.spatial import cKDTree

    of_chemistry, of_structure, chemistries, structures = _kinds(atlas)
    low, high = central_window(atlas.inverse.places)
    inside = ((atlas.inverse.places >= low) & (atlas.inverse.places <= high)).all(axis=1)
    stride = -(-len(atlas) // _ENOUGH)
    inside[np.arange(len(atlas)) % stride > 0] = False
    places, of_chemistry, of_structure = atlas.inverse.places[inside], of_chemistry[inside], of_structure[inside]
    on_map = (places - low) / (high - low)
    found: dict[str, list[tuple[int, Landmark]]] = {}
    for grid in _GRIDS:
        cell = np.minimum((on_map * grid).astype(int), grid - 1)
        fewest = max(_FEWEST, _SHARE * len(atlas) / stride / grid)
        flat = cell[:, 0] * grid + cell[:, 1]
        counts = np.bincount(flat, minlength=grid**2)
        chemical, structural = (_majority(flat, kind, counts) for kind in (of_chemistry, of_structure))
        named = (structural + 1) * (len(chemistries) + 1) + chemical + 1
        named[counts < _FEWEST] = 0
        here: list[tuple[int, Landmark]] = []
        for name in np.unique(named[named > 0]):
            s, c = divmod(int(name), len(chemistries) + 1)
            patches, many = label((named == name).reshape(grid, grid))
            text = _text(structures[s - 1] if s else "", chemistries[c - 1] if c else "")
            for patch in range(1, many + 1):
                rows = np.flatnonzero(patches.reshape(-1)[flat] == patch)
                if s:
                    rows = rows[of_structure[rows] == s - 1]
                if c:
                    rows = rows[of_chemistry[rows] == c - 1]
                if len(rows) < fewest:
                    continue
                around = cKDTree(on_map[rows]).query_ball_point(on_map[rows], _CLOSE, return_length=True)
                if around.max() >= fewest:
                    x, y = places[rows[around.argmax()]]
                    here.append((len(rows), Landmark(float(x), float(y), text)))
        here.sort(key=lambda item: -item[0])
        reach = 0.6 * float((high - low).max()) / grid
        for size, one in here:
            alike = found.setdefault(one.text, [])
            if all(_apart(one, other) > reach for _, other in alike):
                alike.append((size, one))
    ranked = [
        (rank, -size, one)
        for alike in found.values()
        for rank, (size, one) in enumerate(sorted(alike, key=lambda item: -item[0]))
    ]
    return [one for *_, one in sorted(ranked, key=lambda item: item[:2])]


def _majority(cell: np.ndarray, kind: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(cells,) the kind that most of the crystals of each cell are of; -1 without one."""
    many = int(kind.max(initial=-1)) + 1
    if not many:
        return np.full(len(counts), -1)
    known = kind >= 0
    table = np.bincount(cell[known] * many + kind[known], minlength=len(counts) * many).reshape(-1, many)
    return np.where(table.max(axis=1) >= _MAJORITY * np.maximum(counts, 1), table.argmax(axis=1), -1)


def _text(structure: str, chemical: str) -> str:
    if structure and chemical == "intermetallics":
        return f"{structure} phases"
    if structure and chemical:
        return f"{structure} {chemical}"
    return chemical or f"{structure} compounds"


def _apart(one: Landmark, other: Landmark) -> float:
    return float(np.hypot(one.x - other.x, one.y - other.y))


def _crystals(atlas: Atlas) -> Iterator[Landmark]:
    """The well-known crystals that the atlas has; of several the one least above the convex hull."""
    formulas, which = atlas.formulas
    place = {formula: k for k, formula in enumerate(formulas)}
    groups = atlas.table["space_group"].to_numpy() if "space_group" in atlas.table else None
    hull = np.zeros(len(atlas))
    if "e_above_hull" in atlas.table:
        hull = np.nan_to_num(atlas.table["e_above_hull"].to_numpy(dtype=np.float64), nan=np.inf)
    places = atlas.inverse.places
    for text, wanted, name in _WELL_KNOWN:
        of_formula = np.flatnonzero(which == place.get(parse_formula(text), -1)).tolist()
        rows = [row for row in of_formula if groups is None or not wanted or groups[row] in wanted]
        if rows:
            row = min(rows, key=lambda row: float(hull[row]))
            yield Landmark(float(places[row, 0]), float(places[row, 1]), name or text, row)
