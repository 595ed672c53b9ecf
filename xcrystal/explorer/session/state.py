"""What an explorer shows, as values that never change: each act makes a new one, and undo brings an old one back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explorer.drawing.palette import COLOR_MAP

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.diffraction.measured import MeasuredPattern
    from xcrystal.explorer.session.commands import Command, MakeApproximants
    from xcrystal.explorer.session.records import Loaded, Neighbour, PatternMatches
    from xcrystal.latent.axes import Axis

METHOD = "shapley"  # of attribution, unless another is chosen
MOST_PINS = 48
LABELS = ("none", "elements", "sites")


@dataclass(frozen=True, eq=False)
class Point:
    """A latent vector, and all that is known of it at once.

    Attributes
    ----------
    z
        (latent_dim,) float32.
    label
        What it is, in words; may hold a file name, so escape it.
    commands
        The acts that bring a fresh session here.
    structure
        Decode of ``z``, in the primitive cell.
    predicted, intervals, nonzero
        Property name to value, to 90 % interval, and to the probability of not being zero; the latter two empty if the
        model knows none.
    position
        (x, y) its UMAP coordinates.
    neighbours
        The nearest atlas crystals, nearest first.
    material_id
        Of the atlas crystal that ``z`` is the latent vector of, otherwise None.
    wanted
        (x, y) UMAP coordinates that ``z`` was sought for, otherwise None.
    landed
        (x, y) UMAP coordinates of the decoded crystal itself, if they were asked for.
    quick
        Decoded greedily during a drag; reranking follows when it ends.
    """

    z: np.ndarray
    label: str
    commands: tuple[Command, ...]
    structure: Structure
    predicted: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    nonzero: dict[str, float]
    position: tuple[float, float]
    neighbours: tuple[Neighbour, ...]
    material_id: str | None = None
    wanted: tuple[float, float] | None = None
    landed: tuple[float, float] | None = None
    quick: bool = False


@dataclass(frozen=True, eq=False)
class Selection:
    """Rows of the atlas that are selected, (k,) int, and by what, in words that may come from outside."""

    rows: np.ndarray
    title: str


@dataclass(frozen=True, eq=False)
class Own:
    """A crystal of the user's, laid over the map.

    Attributes
    ----------
    name, structure
        It.
    z, position
        (latent_dim,) its latent vector, and (x, y) its UMAP coordinates.
    of
        Name of the disordered crystal that it is an ordering of; empty if it is none.
    weight
        Of an ordering: its share of all arrangements that were looked at.
    made
        The act that made an ordering, if it is known.
    """

    name: str
    structure: Structure
    z: np.ndarray
    position: tuple[float, float]
    of: str = ""
    weight: float = 1.0
    made: MakeApproximants | None = None


@dataclass(frozen=True, eq=False)
class Path:
    """A path through latent space: its kind, its decoded frames, and the frame that is shown."""

    kind: str
    frames: tuple[Point, ...]
    frame: int = 0


@dataclass(frozen=True)
class Why:
    """What is explained, and how: names as of ``xcrystal.explain``, and targets as of ``Session.explain``."""

    target: str
    method: str = METHOD
    level: str = "atoms"
    baseline: str = "mean_element"


@dataclass(frozen=True)
class PatternView:
    """How powder patterns are shown: arguments of ``Diffraction.show``."""

    source: str = "CuKa"
    unit: str = "two_theta"
    fwhm: float = 0.2
    size: float = 0.0
    second: str = ""


@dataclass(frozen=True, eq=False)
class State:
    """All that undo brings back.

    Attributes
    ----------
    point
        Where we are.
    base
        The point that sliders were moved away from.
    loaded
        The crystal that was loaded, kept until a reset.
    shown
        "decoded", "loaded", "both" side by side, or "overlay": the decode laid over the loaded crystal.
    cell
        "conventional" or "primitive": which cell of a decode is drawn. A loaded crystal is drawn as it came.
    supercell
        Cells drawn along a, b and c.
    boundary, bonds, polyhedra
        Whether atoms on the boundary are repeated on the other side, and bonds and coordination polyhedra drawn.
    style
        "ball-and-stick" or "space-filling".
    element_colors
        Whose colours of the elements are used: "jmol" or "vesta".
    hidden
        Symbols of the elements that are not drawn.
    perspective
        Whether what is far away is drawn smaller.
    labels
        What is written at the atoms: "none", "elements" or "sites".
    color, color_map
        What colours the map, empty if nothing can; and the scale of colours for numbers.
    why
        What is explained, and colours the atoms; None for the colours of elements.
    family
        Which axes the sliders move along: "principal", "latent", "property" or "concept".
    latents
        Numbers of single latent dimensions that were asked for.
    concepts
        Directions that were made from groups of crystals.
    selection, groups
        Rows that are selected now; those kept as groups A and B.
    own
        The user's crystals laid over the map.
    ends
        A and B of a path.
    path
        The path between them.
    candidates
        Structures proposed for a formula, lowest predicted energy (above the hull, where that is predicted) first.
    designs
        Crystals designed to wishes, the most promising first.
    pins
        Pinned crystals.
    diffraction, measured
        How powder patterns are shown; and the measured one.
    matches
        Crystals that may make the measured one.
    """

    point: Point
    base: Point
    color: str = ""
    color_map: str = COLOR_MAP
    loaded: Loaded | None = None
    shown: str = "decoded"
    cell: str = "conventional"
    supercell: tuple[int, int, int] = (1, 1, 1)
    boundary: bool = True
    bonds: bool = True
    perspective: bool = False
    labels: str = "none"
    polyhedra: bool = True
    style: str = "ball-and-stick"
    element_colors: str = "jmol"
    hidden: tuple[str, ...] = ()
    why: Why | None = None
    family: str = "principal"
    latents: tuple[int, ...] = ()
    concepts: tuple[Axis, ...] = ()
    selection: Selection | None = None
    groups: tuple[Selection | None, Selection | None] = (None, None)
    own: tuple[Own, ...] = ()
    ends: tuple[Point | None, Point | None] = (None, None)
    path: Path | None = None
    candidates: tuple[Point, ...] = ()
    designs: tuple[Point, ...] = ()
    pins: tuple[Point, ...] = ()
    diffraction: PatternView = PatternView()
    measured: MeasuredPattern | None = None
    matches: PatternMatches | None = None

    @property
    def loaded_shown(self) -> Loaded | None:
        """The loaded crystal if it is what is shown, alone or under a decode that is laid over it."""
        return self.loaded if self.shown in ("loaded", "overlay") else None


SHOWN = ("decoded", "loaded", "both", "overlay")
_EVENTS = {
    "crystal": ("point", "base"),
    "shown": (
        *("loaded", "shown", "cell", "supercell", "boundary", "bonds"),
        *("polyhedra", "style", "element_colors", "hidden", "perspective", "labels"),
    ),
    "color": ("color", "color_map"),
    "axes": ("family", "latents", "concepts"),
    "selection": ("selection", "groups"),
    "own": ("own",),
    "path": ("ends", "path"),
    "candidates": ("candidates",),
    "designs": ("designs",),
    "pins": ("pins",),
    "diffraction": ("diffraction", "measured"),
    "matches": ("matches",),
    "attribution": ("why",),
}
assert {name for names in _EVENTS.values() for name in names} == {field.name for field in fields(State)}


def changes(before: State, after: State) -> list[str]:
    """The events that views are to hear of when one state takes the place of another."""
    return [event for event, names in _EVENTS.items() if any(_differs(before, after, name) for name in names)]


def _differs(before: State, after: State, name: str) -> bool:
    one, other = getattr(before, name), getattr(after, name)
    return one is not other and one != other
