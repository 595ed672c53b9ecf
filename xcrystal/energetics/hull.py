"""The convex hull of formation energies: how far a crystal lies above what it could decompose into.

The known crystals are the entries of an atlas, of which formulas and formation energies ship: those of the Materials
Project, PBE and PBE+U with its corrections, at 0 K. What the atlas does not hold can neither compete nor be formed.
"""

from __future__ import annotations

import itertools
import math
import numbers
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.reading import read_structure
from xcrystal.energetics.formation import formation_energy
from xcrystal.energetics.potentials import energy_per_atom
from xcrystal.errors import ReadError, RelaxationError
from xcrystal.latent.atlas import Atlas, open_atlas
from xcrystal.reporting import html_table

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from pymatgen.analysis.phase_diagram import PhaseDiagram
    from pymatgen.core import Composition

MOST_ELEMENTS = 8  # hulls in more dimensions take minutes
MOST_COMPETING = 20
_TOGETHER = 1e-6  # eV/atom: on the hull
_PATH = re.compile(r"[/\\]|\.[A-Za-z]")  # of what can be no formula


@dataclass(frozen=True)
class Phase:
    """A known crystal in a phase diagram.

    Attributes
    ----------
    material_id
        Its id; empty for an element that no entry stands for.
    formula
        Reduced.
    formation_energy_per_atom, e_above_hull
        eV/atom.
    amount
        Share of the atoms that it takes in a decomposition; 0 if it takes none.
    """

    material_id: str
    formula: str
    formation_energy_per_atom: float
    e_above_hull: float
    amount: float = 0.0


@dataclass(frozen=True, eq=False)
class Hull:
    """Where a composition stands beside the known crystals of its elements.

    Attributes
    ----------
    formula
        Reduced.
    formation_energy_per_atom
        Of the crystal, eV/atom; NaN if only a formula was given.
    e_above_hull
        eV/atom; negative if it lies below the hull of the known crystals, NaN if its energy is not known.
    decomposition
        The known crystals into which it decomposes, or those that it would be made of if it is below the hull.
    competing
        Known crystals of the same elements, those nearest to the hull first.
    entries
        How many known crystals the hull is made from.
    """

    formula: str
    formation_energy_per_atom: float
    e_above_hull: float
    decomposition: tuple[Phase, ...]
    competing: tuple[Phase, ...]
    entries: int
    diagram: PhaseDiagram

    def __repr__(self) -> str:
        return f"Hull({self.formula!r}, {self._height()}, {self.entries} known crystals)"

    def _repr_html_(self) -> str:
        """The reaction, and the competing crystals as a table."""
        rows: list[list[str]] = [["entry", "formula", "formation energy (eV/atom)", "above hull (eV/atom)", "amount"]]
        amounts = {(phase.material_id, phase.formula): phase.amount for phase in self.decomposition}
        for phase in self.competing:
            taken = amounts.get((phase.material_id, phase.formula), 0.0)
            energies = [f"{phase.formation_energy_per_atom:.3f}", f"{phase.e_above_hull:.3f}"]
            rows.append([phase.material_id, phase.formula, *energies, f"{taken:.2f}" if taken else ""])
        return html_table(rows, f"{self.formula}: {self._height()}; {self.reaction}")

    def _height(self) -> str:
        if math.isnan(self.e_above_hull):
            return "energy not known"
        return f"{abs(self.e_above_hull):.3f} eV/atom {'above' if self.e_above_hull >= 0 else 'below'} the hull"

    @cached_property
    def reaction(self) -> str:
        """The decomposition with whole numbers: "4 LiFeO2 → 2 Li2O + 2 Fe2O3"."""
        from pymatgen.analysis.reaction_calculator import Reaction
        from pymatgen.core import Composition

        products = [Composition(phase.formula) for phase in self.decomposition]
        if [product.reduced_formula for product in products] == [self.formula]:
            return f"{self.formula} (a known crystal of this composition is on the hull)"
        return str(Reaction([Composition(self.formula)], products)).replace("->", "→")

    def figure(self) -> go.Figure:
        """The phase diagram of two or three elements, with the crystal in it, drawn with plotly.

        Raises
        ------
        RelaxationError
            If there are fewer or more elements.
        """
        from xcrystal.energetics.hull_figure import draw

        return draw(self.diagram, self.formula, self.formation_energy_per_atom)

    def to_dict(self) -> dict[str, Any]:
        """What is known as plain values."""
        from dataclasses import asdict

        return {
            "formula": self.formula,
            "formation_energy_per_atom": self.formation_energy_per_atom,
            "e_above_hull": self.e_above_hull,
            "reaction": self.reaction,
            "decomposition": [asdict(phase) for phase in self.decomposition],
            "competing": [asdict(phase) for phase in self.competing],
            "entries": self.entries,
        }


def hull(
    structure: Any, energy: float | None = None, *, atlas: str | Path | Atlas = "mp20", potential: str = "chgnet"
) -> Hull:
    """Compare a crystal with the convex hull of the known crystals of its elements.

    Parameters
    ----------
    structure
        A pymatgen Structure, the path of a crystal file, a result of ``relax``, or a formula such as "LiFePO4".
    energy
        Its formation energy, eV/atom, on the scale of the atlas. Without it, that of a result of ``relax`` is taken,
        that of a structure comes from the potential, at the structure as it is, and that of a formula stays unknown.
    atlas
        Whose entries are the known crystals.
    potential
        That tells the energy of a structure.

    Raises
    ------
    RelaxationError
        If there are too many elements, the potential cannot tell the energy, the energy is no finite number, or the
        atlas has no formation energies.
    DatasetError
        If there is no such atlas.
    ReadError
        If it is neither a crystal nor a formula of elements.
    """
    composition, known = _given(structure, energy, potential)
    diagram = _diagram(_known(atlas), _elements(composition))
    found, level = diagram.get_decomp_and_hull_energy_per_atom(composition)
    return Hull(
        formula=composition.reduced_formula,
        formation_energy_per_atom=known,
        e_above_hull=float(known - level),
        decomposition=tuple(_phase(entry, 0.0, float(amount)) for entry, amount in found.items()),
        competing=_competing(diagram, composition),
        entries=len(diagram.all_entries),
        diagram=diagram,
    )


def energy_above_hull(composition: Composition, energy: float, atlas: str | Path | Atlas = "mp20") -> float:
    """How far a formation energy, eV/atom, lies above the hull of the known crystals; negative below it."""
    diagram = _diagram(_known(atlas), _elements(composition))
    return float(energy - diagram.get_hull_energy_per_atom(composition))


def _given(structure: Any, energy: float | None, potential: str) -> tuple[Composition, float]:
    """Composition and formation energy of whatever was given."""
    from pymatgen.core import Composition

    if energy is not None and (not isinstance(energy, numbers.Real) or not math.isfinite(energy)):
        raise RelaxationError(f"A formation energy is a finite number in eV/atom, not {str(energy)[:40]!r}.")
    if isinstance(structure, str) and structure:
        try:
            given = Composition(structure)
        except ValueError as error:
            if not _PATH.search(structure) and not os.path.exists(structure):
                raise ReadError(
                    f"{structure[:60]!r} is neither a formula nor the path of a file; in a formula each element begins "
                    "with a capital letter, as in LiFeO2."
                ) from error
        else:
            return _of_elements(given, structure), math.nan if energy is None else float(energy)
    relaxed = getattr(structure, "formation_energy_per_atom", None)
    if relaxed is not None:
        if structure.structure is None:
            raise RelaxationError(f"This crystal could not be relaxed: {structure.error}")
        return structure.structure.composition, relaxed if energy is None else float(energy)
    crystal = read_structure(structure)
    if energy is None:
        energy = formation_energy(crystal.composition, energy_per_atom(crystal, potential), potential)
    return crystal.composition, float(energy)


def _of_elements(composition: Composition, formula: str) -> Composition:
    """The composition that a formula means, isotopes as their elements; raises ReadError if it means none."""
    from pymatgen.core import Composition, Element

    if not composition or not all(isinstance(element, Element) for element in composition):
        raise ReadError(f"{formula[:60]!r} is no formula of chemical elements.")
    return Composition(composition.get_el_amt_dict())


def _elements(composition: Composition) -> frozenset[str]:
    elements = frozenset(element.symbol for element in composition.elements)
    if len(elements) > MOST_ELEMENTS:
        raise RelaxationError(f"A hull of {len(elements)} elements is not computed ({MOST_ELEMENTS} at most).")
    return elements


Rows = dict[frozenset[str], list[tuple[str, str, float]]]
"""Ids, formulas and formation energies (eV/atom) of known crystals, by their elements."""


def _known(atlas: str | Path | Atlas) -> Rows:
    if not isinstance(atlas, Atlas):
        return _rows_of_name(str(atlas))
    kept: Rows | None = vars(atlas).get("_rows_by_elements")
    if kept is None:
        kept = vars(atlas)["_rows_by_elements"] = _rows_of(atlas)
    return kept


@cache
def _rows_of_name(name: str) -> Rows:
    return _rows_of(open_atlas(name))


def _rows_of(atlas: Atlas) -> Rows:
    table = atlas.table
    if "formation_energy_per_atom" not in table or "formula" not in table:
        raise RelaxationError(f"The atlas {atlas.name} has no formation energies, of which a hull is made.")
    rows: Rows = defaultdict(list)
    columns = (table["material_id"], table["formula"], table["formation_energy_per_atom"])
    for name, formula, energy in zip(*columns, strict=True):
        if math.isfinite(energy):
            rows[frozenset(re.findall(r"[A-Z][a-z]?", formula))].append((str(name), str(formula), float(energy)))
    return dict(rows)


def _diagram(known: Rows, elements: frozenset[str]) -> PhaseDiagram:
    """The phase diagram of some elements; the ``attribute`` of an entry is its id, of an element without one None."""
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    entries = []
    for count in range(1, len(elements) + 1):
        for some in itertools.combinations(sorted(elements), count):
            for name, formula, energy in known.get(frozenset(some), ()):
                composition = Composition(formula)
                entries.append(PDEntry(composition, energy * composition.num_atoms, name, attribute=name))
    there = {entry.composition.reduced_formula for entry in entries if entry.energy <= _TOGETHER}
    missing = [Composition(element) for element in sorted(elements)]
    entries += [PDEntry(element, 0.0) for element in missing if element.reduced_formula not in there]
    return PhaseDiagram(entries)


def _phase(entry: Any, above: float, amount: float = 0.0) -> Phase:
    formula = entry.composition.reduced_formula
    return Phase(entry.attribute or "", formula, float(entry.energy_per_atom), above, amount)


def _competing(diagram: PhaseDiagram, composition: Composition) -> tuple[Phase, ...]:
    """Known crystals of all of the elements of a composition, and those on the hull, nearest to it first."""
    elements = set(composition.elements)
    stable = set(map(id, diagram.stable_entries))
    phases = [
        _phase(entry, max(0.0, float(entry.energy_per_atom - diagram.get_hull_energy_per_atom(entry.composition))))
        for entry in diagram.all_entries
        if set(entry.composition.elements) == elements or id(entry) in stable
    ]
    return tuple(sorted(phases, key=lambda phase: (phase.e_above_hull, phase.formula))[:MOST_COMPETING])
