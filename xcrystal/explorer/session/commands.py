"""What can be done in a session: one frozen dataclass for each act.

Everything that is said of an act is rendered from here: the undo entry (``title``), what the crystal that it leads to
is called (``label``), the line of Python that repeats it (``code``), and its form in a saved session (``plain``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, MISSING, Field, dataclass, field, fields
from pathlib import PurePath
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from xcrystal.crystal.mixed_sites import site_text, species_of
from xcrystal.errors import ReadError
from xcrystal.explorer import words
from xcrystal.explorer.drawing.palette import ELEMENT_COLORS

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.latent.axes import Axis

GROUPS = ("A", "B")
_Kind = TypeVar("_Kind", bound="Command")


def result(default: Any) -> Any:
    """Make a keyword field that says how an act turned out: part of the title, but not of what repeats the act."""
    return field(default=default, compare=False, metadata={"result": True})


@dataclass(frozen=True)
class PlainCrystal:
    """A crystal as plain numbers: cell (9,) in Å, what is on each site (n,), and fractional coordinates (3 n,)."""

    matrix: tuple[float, ...]
    species: tuple[str, ...]
    frac_coords: tuple[float, ...]

    @classmethod
    def of(cls, structure: Structure) -> Self:
        """A structure, rounded to six decimals."""
        matrix, points = (np.round(rows, 6).ravel() for rows in (structure.lattice.matrix, structure.frac_coords))
        return cls(tuple(matrix.tolist()), tuple(map(site_text, structure)), tuple(points.tolist()))

    def __repr__(self) -> str:
        """Python that makes the Structure."""
        matrix, points = (np.reshape(rows, (-1, 3)).tolist() for rows in (self.matrix, self.frac_coords))
        return f"Structure({matrix}, {[species_of(text) for text in self.species]}, {points})"


@dataclass(frozen=True)
class Command:
    """An act.

    Attributes
    ----------
    call
        Which method of a session does it, such as "interpolation.show_frame".
    """

    call: ClassVar[str] = ""
    through_history: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What was done, in plain words; may hold a file name, so escape it."""
        raise NotImplementedError

    @property
    def doing(self) -> str:
        """What is being done, for acts that take long."""
        return self.title

    @property
    def about(self) -> str:
        """Name of the predicted property that it is about; empty if it is about none."""
        return ""

    def label(self, origin: str = "") -> str:
        """What the crystal that it leads to is called; ``origin`` is the label of where it began."""
        return origin

    def code(self) -> str:
        """One line of Python that does the same to ``session``."""
        given: list[str] = []
        for one in _arguments(type(self)):
            value = getattr(self, one.name)
            if one.default is MISSING or value != one.default:
                text = _vector_text(value) if one.metadata.get("vector") else repr(value)
                given.append(f"{one.name}={text}" if one.kw_only else text)
        return f"session.{self.call}({', '.join(given)})"

    def plain(self) -> dict[str, Any]:
        """The act as JSON."""
        return {"do": name_of(type(self))} | {one.name: _plain(getattr(self, one.name)) for one in fields(self)}


def _arguments(kind: type[Command]) -> list[Field[Any]]:
    given = [one for one in fields(kind) if not one.metadata.get("result")]
    return sorted(given, key=lambda one: bool(one.kw_only))


def _plain(value: Any) -> Any:
    return vars(value) if isinstance(value, PlainCrystal) else list(value) if isinstance(value, tuple) else value


def _vector_text(values: Sequence[float]) -> str:
    return f"[{', '.join(np.format_float_positional(x, trim='-') for x in values)}]"


def as_floats(values: np.ndarray | Sequence[float]) -> tuple[float, ...]:
    """Numbers (k,) in single precision, as short as they can be written exactly."""
    flat = np.asarray(values, dtype=np.float32).ravel()
    return tuple(float(np.format_float_positional(x, trim="0")) for x in flat)


# -- where to go -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Begin(Command):
    """Open a session."""

    @property
    def title(self) -> str:
        return "Beginning"


@dataclass(frozen=True)
class Select(Command):
    """Go to an atlas crystal."""

    call = "select"
    material_id: str
    _: KW_ONLY
    decoded: bool = result(True)

    @property
    def title(self) -> str:
        return f"went to {self.material_id}"

    def label(self, origin: str = "") -> str:
        return f"decode of {self.material_id}" if self.decoded else f"known crystal {self.material_id}"


@dataclass(frozen=True)
class Load(Command):
    """Go to a user's crystal: a path of a file, or the crystal itself."""

    call = "load"
    source: str | PlainCrystal
    _: KW_ONLY
    name: str = result("")

    @property
    def title(self) -> str:
        return f"loaded {self.name}"

    def label(self, origin: str = "") -> str:
        return f"reconstruction of {self.name}"


@dataclass(frozen=True)
class Go(Command):
    """Go to a latent vector."""

    call = "go"
    z: tuple[float, ...] = field(metadata={"vector": True})
    _: KW_ONLY
    name: str = result("")

    @property
    def title(self) -> str:
        return self.name or "went to a given latent vector"

    def label(self, origin: str = "") -> str:
        return self.name or "decode of a given latent vector"


@dataclass(frozen=True)
class Move(Command):
    """Set one slider."""

    call = "move"
    axis: str
    value: float

    @property
    def title(self) -> str:
        return f"moved along {self.axis}"

    def label(self, origin: str = "") -> str:
        return f"moved along {self.axis}, from the {origin}"


@dataclass(frozen=True)
class SetProperty(Command):
    """Set the slider of a property."""

    call = "property_sliders.set"
    target: str
    value: float

    @property
    def title(self) -> str:
        return f"changed the {words.title(self.target).lower()}"

    @property
    def about(self) -> str:
        return self.target

    def label(self, origin: str = "") -> str:
        amount = f"{self.value:.4g} {words.unit(self.target)}".rstrip()
        return f"{words.title(self.target).lower()} {amount}, from the {origin}"


@dataclass(frozen=True)
class GoToCoordinates(Command):
    """Go to UMAP coordinates."""

    call = "navigation.go_to_coordinates"
    x: float
    y: float

    @property
    def title(self) -> str:
        return "went to a point of the map"

    def label(self, origin: str = "") -> str:
        return f"decode at ({self.x:.2f}, {self.y:.2f}) of the map"


@dataclass(frozen=True)
class Sample(Command):
    """Draw from the prior."""

    call = "navigation.sample"
    _: KW_ONLY
    seed: int

    @property
    def title(self) -> str:
        return "drew from the prior"

    def label(self, origin: str = "") -> str:
        return f"draw {self.seed} from the prior"


@dataclass(frozen=True)
class RandomStep(Command):
    """Take one random step."""

    call = "navigation.random_step"
    _: KW_ONLY
    seed: int

    @property
    def title(self) -> str:
        return "took a random step"

    def label(self, origin: str = "") -> str:
        return f"random step from the {origin}"


@dataclass(frozen=True)
class UndoMoves(Command):
    """Put the sliders back."""

    call = "navigation.undo_moves"

    @property
    def title(self) -> str:
        return "put the sliders back"


@dataclass(frozen=True)
class Reset(Command):
    """Go back to the beginning."""

    call = "reset"

    @property
    def title(self) -> str:
        return "reset"


@dataclass(frozen=True)
class SearchNearer(Command):
    """Search for a crystal whose own latent vector is nearer."""

    call = "refinement.search_nearer"

    @property
    def title(self) -> str:
        return "searched for a nearer crystal"


@dataclass(frozen=True)
class Settle(Command):
    """Decode with care what was decoded quickly."""

    call = "settle"

    @property
    def title(self) -> str:
        return "settled"


@dataclass(frozen=True)
class ShowAlternative(Command):
    """Go to another space group, or another element on one orbit."""

    call = "assessment.show_alternative"
    kind: str
    value: int | str
    orbit: int | None = None
    _: KW_ONLY
    words: str = result("")

    @property
    def title(self) -> str:
        return f"looked at it {self.words}"

    def label(self, origin: str = "") -> str:
        return f"{origin}, but {self.words}"


@dataclass(frozen=True)
class OverruleChoice(Command):
    """Force a choice of the decoder, and decode on greedily from there."""

    call = "decoding.overrule"
    step: str
    choice: str

    @property
    def title(self) -> str:
        return f"took {self.choice} as {self.step}"

    def label(self, origin: str = "") -> str:
        return f"{origin}, but {self.choice} as {self.step}"


@dataclass(frozen=True)
class ShowGreedy(Command):
    """Show the greedy decode, without reranking."""

    call = "decoding.show_greedy"

    @property
    def title(self) -> str:
        return "showed the greedy decode"

    def label(self, origin: str = "") -> str:
        return f"{origin}, decoded greedily"


# -- steering and proposals ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Steer(Command):
    """Raise or lower a property, in so many steps."""

    call = "steer"
    target: str
    direction: str
    _: KW_ONLY
    steps: int
    hold: tuple[str, ...]
    seed: int = 0

    @property
    def aim(self) -> str:
        """Such as "lower band gap"."""
        return f"{self.direction} {words.title(self.target).lower()}"

    @property
    def title(self) -> str:
        return f"steered towards {self.aim}"

    @property
    def doing(self) -> str:
        return f"Steering towards {self.aim}"

    @property
    def about(self) -> str:
        return self.target

    def label(self, origin: str = "") -> str:
        return f"step {self.steps} towards {self.aim}, from the {origin}"


@dataclass(frozen=True)
class Propose(Command):
    """Look for crystals of a composition."""

    call = "propose"
    formula: str
    count: int
    _: KW_ONLY
    seed: int = 0

    @property
    def title(self) -> str:
        return f"proposed structures of {self.formula}"

    @property
    def doing(self) -> str:
        return f"Structures of {self.formula}"


@dataclass(frozen=True)
class ShowCandidate(Command):
    """Go to a proposed structure."""

    call = "steering.show_candidate"
    number: int
    _: KW_ONLY
    formula: str = result("")

    @property
    def title(self) -> str:
        return f"went to proposal {self.number + 1}"

    def label(self, origin: str = "") -> str:
        return f"proposal {self.number + 1} for {self.formula}, begun from {origin}"


@dataclass(frozen=True)
class DesignCrystals(Command):
    """Look for crystals with wanted properties, elements and symmetry."""

    call = "crystal_design.design"
    _: KW_ONLY
    band_gap: tuple[float | None, ...] | None = None
    formation_energy_per_atom: tuple[float | None, ...] | None = None
    e_above_hull: tuple[float | None, ...] | None = None
    require: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    space_group: int = 0
    crystal_system: str = ""
    prototype: str = ""
    n_atoms: tuple[float | None, ...] | None = None
    near_shown: bool = False
    potential: str = ""
    count: int = 12
    seed: int = 0
    wanted: str = result("")

    @property
    def title(self) -> str:
        return f"designed crystals: {self.wanted}"

    @property
    def doing(self) -> str:
        return "Designing crystals"


@dataclass(frozen=True)
class ShowDesign(Command):
    """Go to a designed crystal."""

    call = "crystal_design.show"
    number: int
    _: KW_ONLY
    wanted: str = result("")

    @property
    def title(self) -> str:
        return f"went to design {self.number + 1}"

    def label(self, origin: str = "") -> str:
        return f"design {self.number + 1} for {self.wanted}"


# -- edits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EditCrystal(Command):
    """An edit of the crystal; how it turned out is its title."""

    _: KW_ONLY
    words: str = result("")
    formula: str = result("")

    @property
    def title(self) -> str:
        return self.words

    @property
    def name(self) -> str:
        """What the edited crystal is called."""
        return f"edited {self.formula}"

    def label(self, origin: str = "") -> str:
        return f"reconstruction of {self.name}"


@dataclass(frozen=True)
class EditOrbit(EditCrystal):
    """An edit of an orbit, or of one of its atoms, by its number in the cell that is drawn."""

    _: KW_ONLY
    only_atom: int | None = None
    cell: str | None = None


@dataclass(frozen=True)
class Substitute(EditOrbit):
    """Put another element on an orbit, or on one of its atoms."""

    call = "modifications.substitute"
    orbit: int
    element: str


@dataclass(frozen=True)
class Remove(EditOrbit):
    """Remove an orbit, or one of its atoms."""

    call = "modifications.remove"
    orbit: int


@dataclass(frozen=True)
class MoveOrbit(EditOrbit):
    """Move an orbit, or one of its atoms."""

    call = "modifications.move_orbit"
    orbit: int
    axis: str
    amount: float


@dataclass(frozen=True)
class Strain(EditCrystal):
    """Strain the cell."""

    call = "modifications.strain"
    parameter: str
    amount: float


@dataclass(frozen=True)
class FindCounterfactuals(Command):
    """Look for the smallest changes that turn an outcome."""

    call = "counterfactual_search.search"
    outcome: str

    @property
    def title(self) -> str:
        return "searched for counterfactuals"

    @property
    def doing(self) -> str:
        return "Counterfactuals"


# -- paths and pins --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetEnd(Command):
    """Set an end of the path to where we are."""

    call = "set_end"
    name: str

    @property
    def title(self) -> str:
        return f"set {self.name} of the path"


@dataclass(frozen=True)
class SwapEnds(Command):
    """Exchange the ends of the path."""

    call = "interpolation.swap_ends"

    @property
    def title(self) -> str:
        return "exchanged A and B"


@dataclass(frozen=True)
class Interpolate(Command):
    """Make the path between its ends; ``formulas`` are those of two pins, if it is between these."""

    call = "interpolate"
    kind: str
    frames: int
    _: KW_ONLY
    formulas: tuple[str, ...] = result(())

    @property
    def title(self) -> str:
        return f"made a path from {' to '.join(self.formulas)}" if self.formulas else f"made a {self.kind} path"

    @property
    def doing(self) -> str:
        return "Decoding the path"


@dataclass(frozen=True)
class ShowFrame(Command):
    """Go to a frame of the path."""

    call = "interpolation.show_frame"
    frame: int
    _: KW_ONLY
    frames: int = result(0)
    formulas: tuple[str, ...] = result(())

    @property
    def title(self) -> str:
        return "went along the path"

    def label(self, origin: str = "") -> str:
        return f"frame {self.frame + 1} of {self.frames} between {' and '.join(self.formulas)}"


@dataclass(frozen=True)
class ClearPath(Command):
    """Forget the path."""

    call = "interpolation.clear"

    @property
    def title(self) -> str:
        return "cleared the path"


@dataclass(frozen=True)
class Pin(Command):
    """Pin the crystal that is shown."""

    call = "pin"
    _: KW_ONLY
    formula: str = result("")

    @property
    def title(self) -> str:
        return f"pinned {self.formula}"


@dataclass(frozen=True)
class Unpin(Command):
    """Take a pin away."""

    call = "pins.remove"
    number: int
    _: KW_ONLY
    formula: str = result("")

    @property
    def title(self) -> str:
        return f"unpinned {self.formula}"


@dataclass(frozen=True)
class MovePin(Command):
    """Change the order of pins."""

    call = "pins.move"
    number: int
    to: int
    _: KW_ONLY
    formula: str = result("")

    @property
    def title(self) -> str:
        return f"moved the pin of {self.formula}"


@dataclass(frozen=True)
class GoToPin(Command):
    """Go to a pinned crystal."""

    call = "pins.go_to"
    number: int
    _: KW_ONLY
    formula: str = result("")

    @property
    def title(self) -> str:
        return f"went to the pinned {self.formula}"


# -- selections and directions ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choose(Command):
    """Select crystals of the atlas; how many, and by what, is the result."""

    _: KW_ONLY
    count: int = result(0)
    name: str = result("")

    @property
    def title(self) -> str:
        return f"selected {'1 crystal' if self.count == 1 else f'{self.count:,} crystals'}: {self.name}"


@dataclass(frozen=True)
class Search(Choose):
    """Select the crystals that a query describes."""

    call = "search"
    query: str


@dataclass(frozen=True)
class SelectPolygon(Choose):
    """Select the crystals inside of a polygon on the map."""

    call = "selections.select_polygon"
    points: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class SelectRows(Choose):
    """Select crystals by their rows."""

    call = "selections.select_rows"
    rows: tuple[int, ...]
    called: str = ""


@dataclass(frozen=True)
class ClearSelection(Command):
    """Select nothing."""

    call = "selections.clear"

    @property
    def title(self) -> str:
        return "cleared the selection"


@dataclass(frozen=True)
class KeepGroup(Command):
    """Keep the selection as a group."""

    call = "directions.keep_group"
    which: int
    _: KW_ONLY
    name: str = result("")

    @property
    def title(self) -> str:
        return f"kept {self.name} as group {GROUPS[self.which]}"


@dataclass(frozen=True)
class DropGroup(Command):
    """Forget a group."""

    call = "directions.drop_group"
    which: int

    @property
    def title(self) -> str:
        return f"dropped group {GROUPS[self.which]}"


@dataclass(frozen=True)
class AddDirection(Command):
    """Add a direction between groups of crystals."""

    call = "directions.add"
    name: str
    vector: tuple[float, ...] = field(repr=False, metadata={"vector": True})
    mean: tuple[float, ...] = field(repr=False, metadata={"vector": True})
    scale: float
    note: str = ""

    @property
    def title(self) -> str:
        return f"made the direction {self.name}"

    @classmethod
    def of(cls, axis: Axis) -> Self:
        """The act that adds a direction which there is."""
        return cls(axis.name, as_floats(axis.vector), as_floats(axis.mean), float(axis.scale), axis.note)


@dataclass(frozen=True)
class RemoveDirection(Command):
    """Forget a direction."""

    call = "directions.remove"
    name: str

    @property
    def title(self) -> str:
        return f"removed the direction {self.name}"


@dataclass(frozen=True)
class ShowAxes(Command):
    """Show another family of sliders."""

    call = "sliders.show_axes"
    family: str

    @property
    def title(self) -> str:
        return f"showed {self.family} axes"


@dataclass(frozen=True)
class ShowLatent(Command):
    """Add the slider of one latent dimension."""

    call = "sliders.show_latent"
    number: int

    @property
    def title(self) -> str:
        return f"showed latent {self.number}"


@dataclass(frozen=True)
class Overlay(Command):
    """Lay crystals over the map."""

    call = "overlay"
    crystals: tuple[PlainCrystal, ...]

    @property
    def title(self) -> str:
        count = len(self.crystals)
        return f"laid {'1 crystal' if count == 1 else f'{count:,} crystals'} over the map"

    @property
    def doing(self) -> str:
        return "Reading crystals"


@dataclass(frozen=True)
class MakeApproximants(Command):
    """Lay ordered approximants of the loaded crystal over the map."""

    call = "approximants.make"
    count: int
    seed: int = 0
    _: KW_ONLY
    structure: PlainCrystal | None = None  # what has them; None is the loaded crystal
    name: str = result("")

    @property
    def title(self) -> str:
        return f"made ordered approximants of {self.name}"

    @property
    def doing(self) -> str:
        return "Ordered approximants"


@dataclass(frozen=True)
class ClearOverlay(Command):
    """Take one's own crystals off the map."""

    call = "own_crystals.clear"

    @property
    def title(self) -> str:
        return "took your own crystals off the map"


# -- what is shown, and explained ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Show(Command):
    """Draw the decoded or the loaded crystal, or both, side by side or one over the other."""

    call = "show"
    which: str

    @property
    def title(self) -> str:
        return f"showed {self.which}"


@dataclass(frozen=True)
class ShowCell(Command):
    """Draw the conventional or the primitive cell."""

    call = "display.show_cell"
    cell: str

    @property
    def title(self) -> str:
        return f"{self.cell} cell"


@dataclass(frozen=True)
class ShowSupercell(Command):
    """Draw several cells."""

    call = "display.show_supercell"
    repeat: tuple[int, ...]

    @property
    def title(self) -> str:
        return f"{' x '.join(map(str, self.repeat))} cells"


@dataclass(frozen=True)
class ShowBoundary(Command):
    """Repeat atoms on the boundary, or not."""

    call = "display.show_boundary"
    on: bool

    @property
    def title(self) -> str:
        return f"boundary atoms {'on' if self.on else 'off'}"


@dataclass(frozen=True)
class ShowBonds(Command):
    """Draw bonds, or not."""

    call = "display.show_bonds"
    on: bool

    @property
    def title(self) -> str:
        return f"bonds {'on' if self.on else 'off'}"


@dataclass(frozen=True)
class ShowPerspective(Command):
    """Draw what is far away smaller, or not."""

    call = "display.show_perspective"
    on: bool

    @property
    def title(self) -> str:
        return f"perspective {'on' if self.on else 'off'}"


@dataclass(frozen=True)
class LabelAtoms(Command):
    """Write names at the atoms."""

    call = "display.label_atoms"
    by: str

    @property
    def title(self) -> str:
        return {"elements": "atoms labelled by element", "sites": "atoms labelled by site"}.get(
            self.by, "atoms not labelled"
        )


@dataclass(frozen=True)
class ShowPolyhedra(Command):
    """Draw coordination polyhedra, or not."""

    call = "display.show_polyhedra"
    on: bool

    @property
    def title(self) -> str:
        return f"polyhedra {'on' if self.on else 'off'}"


@dataclass(frozen=True)
class ShowStyle(Command):
    """Choose how large atoms are drawn."""

    call = "display.show_style"
    style: str

    @property
    def title(self) -> str:
        return f"{self.style} style"


@dataclass(frozen=True)
class ShowElementColors(Command):
    """Choose the colours of the elements."""

    call = "display.show_element_colors"
    name: str

    @property
    def title(self) -> str:
        return f"elements in the colours of {ELEMENT_COLORS.get(self.name, self.name)}"


@dataclass(frozen=True)
class HideElements(Command):
    """Leave elements out of the picture."""

    call = "display.hide_elements"
    symbols: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{', '.join(self.symbols)} hidden" if self.symbols else "all elements drawn"


@dataclass(frozen=True)
class ShowPattern(Command):
    """Show powder patterns in another way."""

    call = "diffraction.show"
    _: KW_ONLY  # what is None stays as it is
    source: str | None = None
    unit: str | None = None
    fwhm: float | None = None
    size: float | None = None
    second: str | None = None

    @property
    def title(self) -> str:
        return "changed how diffraction is shown"


@dataclass(frozen=True)
class ReadPattern(Command):
    """Read a measured powder pattern."""

    call = "diffraction.read"
    source: str
    _: KW_ONLY
    line: str | float | None = None
    unit: str = "two_theta"

    @property
    def title(self) -> str:
        return f"read the pattern {PurePath(self.source).name}"


@dataclass(frozen=True)
class RemovePattern(Command):
    """Take the measured powder pattern away."""

    call = "diffraction.remove"

    @property
    def title(self) -> str:
        return "removed the measured pattern"


@dataclass(frozen=True)
class IdentifyPattern(Command):
    """Look for the crystals that explain the measured powder pattern."""

    call = "diffraction.identify"
    elements: str
    formula: str
    n: int

    @property
    def title(self) -> str:
        return "looked for crystals with this pattern"

    @property
    def doing(self) -> str:
        return "Crystals with this pattern"


@dataclass(frozen=True)
class ColorBy(Command):
    """Colour the map."""

    call = "display.color_by"
    name: str

    @property
    def title(self) -> str:
        return f"map coloured by {words.title(self.name).lower()}"


@dataclass(frozen=True)
class ShowColorMap(Command):
    """Choose the colours of the map."""

    call = "display.show_color_map"
    name: str

    @property
    def title(self) -> str:
        return f"map in the colours of {self.name}"


@dataclass(frozen=True)
class Explain(Command):
    """Explain what the model says of the crystal; nothing if there is no target."""

    call = "explain"
    target: str | None
    _: KW_ONLY
    method: str | None = None
    level: str = "atoms"
    baseline: str | None = None

    @property
    def title(self) -> str:
        return "no explanation" if self.target is None else f"explained {words.title(self.target).lower()}"


@dataclass(frozen=True)
class BeginWith(Command):
    """Let explanations begin with a method."""

    call = "explanations.begin_with"
    method: str

    @property
    def title(self) -> str:
        return f"explanations begin with {self.method}"


@dataclass(frozen=True)
class TestConcepts(Command):
    """Test concepts on the selection."""

    __test__ = False  # no test of pytest's
    call = "group_explanations.test_concepts"
    target: str

    @property
    def title(self) -> str:
        return "tested concepts"

    @property
    def doing(self) -> str:
        return "Testing concepts"


@dataclass(frozen=True)
class ExplainSelection(Command):
    """Average attributions over the selection."""

    call = "group_explanations.explain_region"
    target: str

    @property
    def title(self) -> str:
        return "explained the selection"

    @property
    def doing(self) -> str:
        return "Explaining the selection"


@dataclass(frozen=True)
class Relax(Command):
    """Relax the crystal, and draw it beside what it was."""

    call = "stability.relax"
    potential: str = "chgnet"
    _: KW_ONLY
    formula: str = result("")

    @property
    def title(self) -> str:
        return f"relaxed {self.formula}"


@dataclass(frozen=True)
class OpenSession(Command):
    """Open a saved session."""

    @property
    def title(self) -> str:
        return "opened a saved session"


# -- history ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Undo(Command):
    """Take back an act."""

    through_history = True
    of: Command

    @property
    def title(self) -> str:
        return f"Undone ({self.of.title})"

    @property
    def about(self) -> str:
        return self.of.about


@dataclass(frozen=True)
class Redo(Undo):
    """Do again what was taken back."""

    @property
    def title(self) -> str:
        return f"Again ({self.of.title})"


@dataclass(frozen=True)
class Travel(Command):
    """Go to an earlier or later entry of the history."""

    through_history = True
    to: str
    earlier: bool

    @property
    def title(self) -> str:
        return f"{'Back' if self.earlier else 'Forward'} to the {self.to}"


# -- reading ---------------------------------------------------------------------------------------------------------

LEADING = (  # those that a point can be made by
    Select, Load, Go, Move, SetProperty, GoToCoordinates, Sample, RandomStep, SearchNearer, Settle, ShowAlternative,
    OverruleChoice, ShowGreedy,
    Steer, Propose, ShowCandidate, DesignCrystals, ShowDesign, Substitute, Remove, MoveOrbit, Strain, SetEnd,
    Interpolate, ShowFrame, Search, ShowLatent, AddDirection,
)  # fmt: skip


def name_of(kind: type[Command]) -> str:
    """ "go_to_coordinates" for ``GoToCoordinates``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


_NAMED = {name_of(kind): kind for kind in LEADING}


def read_command(content: Any) -> Command:
    """The act that ``plain`` wrote, from wherever it comes.

    Raises
    ------
    ReadError
        If it is none that leads to a crystal, or a value is not of its kind.
    """
    given = dict(content) if isinstance(content, dict) else {}
    kind = _NAMED.get(str(given.pop("do", "")))
    if kind is None:
        raise ReadError("This saved session is damaged: it names an act that does not exist.")
    return checked_command(kind, given)


def checked_command(kind: type[_Kind], given: dict[str, Any]) -> _Kind:
    """An act of one kind from values by name; raises ReadError if they are not what they should be."""
    kinds = _kinds(kind)
    needed = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}
    if not needed <= set(given) <= set(kinds):
        raise ReadError(f"This saved session is damaged: {name_of(kind)} has other values than it should.")
    return kind(**{name: _checked(value, kinds[name]) for name, value in given.items()})


def _kinds(kind: type[Command]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def _checked(value: Any, kind: Any) -> Any:
    """The value if it is of a kind; lists become tuples, and dictionaries crystals."""
    if get_origin(kind) in (Union, UnionType):
        for one in get_args(kind):
            try:
                return _checked(value, one)
            except ReadError:
                continue
    elif get_origin(kind) is tuple and isinstance(value, (list, tuple)):
        return tuple(_checked(item, get_args(kind)[0]) for item in value)
    elif kind is PlainCrystal and isinstance(value, PlainCrystal):
        return value
    elif kind is PlainCrystal and isinstance(value, dict) and set(value) == set(_CRYSTAL):
        found = PlainCrystal(**{name: _checked(value[name], kind) for name, kind in _CRYSTAL.items()})
        if (len(found.matrix), len(found.frac_coords)) == (9, 3 * len(found.species)) and all(
            map(species_of, found.species)
        ):
            return found
    elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) < 1e6:  # also if it is not a number
            return float(value)
    elif kind in (int, str, bool, NoneType) and type(value) is kind:
        return value
    raise ReadError("This saved session is damaged: a value of an act is not of its kind.")


_CRYSTAL = get_type_hints(PlainCrystal)
