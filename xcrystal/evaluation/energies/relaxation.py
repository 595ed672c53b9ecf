"""How far relaxed energies can be trusted: the figures of ``xcrystal evaluate relaxation``.

Known crystals are relaxed, and their formation energies and energies above the hull held against those of the table,
which come from DFT: the Materials Project's, PBE and PBE+U with its corrections. Both potentials have learned from
relaxations of the Materials Project, these crystals among them, so their error for crystals that nobody has computed is
larger. Beside it stands what the hull itself is worth: energies above it of the table's own formation energies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xcrystal.crystal.collections.tables import identifiers, read_table, structure_of
from xcrystal.energetics.hull import energy_above_hull
from xcrystal.energetics.relaxing import FMAX, STEPS, Relaxation, relax
from xcrystal.errors import DatasetError
from xcrystal.evaluation.energies.sample_stability import METASTABLE
from xcrystal.evaluation.shared.statistics import Quartiles, Share, quartiles
from xcrystal.reporting import Report, aligned, columns, share_text

HALOGENS, CHALCOGENS = {"F", "Cl", "Br", "I"}, {"S", "Se", "Te"}
CLASSES = ("oxides", "halides", "chalcogenides", "intermetallics", "others")


@dataclass(frozen=True)
class EnergyError:
    """Errors against the table, eV/atom: mean absolute, median absolute, and mean signed."""

    crystals: int
    mae: float
    median: float
    bias: float

    @classmethod
    def of(cls, errors: np.ndarray) -> EnergyError:
        """Of errors (n,)."""
        if not len(errors):
            return cls(0, math.nan, math.nan, math.nan)
        size = np.abs(errors)
        return cls(len(errors), float(size.mean()), float(np.median(size)), float(errors.mean()))


@dataclass(frozen=True)
class RelaxationReport(Report):
    """How known crystals come out of a relaxation.

    Attributes
    ----------
    crystals
        How many were taken; ``not_relaxed`` tells why, for each that could not be relaxed.
    relaxed, same_structure
        Those that were relaxed to the end, and that still match what they were.
    formation_energy, before_relaxing
        Errors of the formation energy after and before relaxing.
    classes
        Errors after relaxing, by class of crystals.
    e_above_hull, hull_itself
        Errors of the energy above the hull (of the atlas's entries and the crystal itself): of relaxed energies, and of
        the table's own formation energies.
    agree
        Crystals of which both say whether they are below 0.1 eV/atom.
    volume_change, step_numbers
        Quartiles of the relative change of the volume and of the number of steps.
    relaxations
        The crystals one by one.
    """

    crystals: int
    not_relaxed: dict[str, str]
    relaxed: Share
    same_structure: Share
    formation_energy: EnergyError
    before_relaxing: EnergyError
    classes: dict[str, EnergyError]
    e_above_hull: EnergyError
    hull_itself: EnergyError
    agree: Share
    volume_change: Quartiles | None
    step_numbers: Quartiles | None
    relaxations: tuple[Relaxation, ...]

    NOT_IN_JSON = ("relaxations",)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types; a number that is not finite is None."""
        return Report.to_dict(replace(self, relaxations=()))  # whose structures are not copied for nothing

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [
            ("crystals", f"{self.crystals}"),
            ("could not be relaxed", f"{len(self.not_relaxed)}"),
            ("relaxed to the end", share_text(self.relaxed.share, self.relaxed.interval)),
            ("still the same structure", share_text(self.same_structure.share, self.same_structure.interval)),
            (f"below {METASTABLE} eV/atom or not as in the table", share_text(self.agree.share, self.agree.interval)),
        ]
        if self.volume_change is not None and self.step_numbers is not None:
            low, middle, high = (f"{value:+.1%}" for value in self.volume_change)
            rows.append(("change of the volume", f"median {middle}, quartiles {low} and {high}"))
            rows.append(("steps", f"median {self.step_numbers[1]:.0f}"))
        errors = {
            "formation energy, relaxed": self.formation_energy,
            "formation energy, as in the table": self.before_relaxing,
            **{f"  {name}, relaxed": error for name, error in self.classes.items()},
            "above the hull, relaxed": self.e_above_hull,
            "above the hull, of the table's energies": self.hull_itself,
        }
        head = ["error against the table, eV/atom", "crystals", "mean absolute", "median absolute", "mean signed"]
        lines = [
            [name, f"{e.crystals}", f"{e.mae:.3f}", f"{e.median:.3f}", f"{e.bias:+.3f}"] for name, e in errors.items()
        ]
        return aligned(rows) + "\n\n" + columns([head, *lines])


def evaluate_relaxation(
    data: Path,
    limit: int = 100,
    seed: int = 0,
    *,
    potential: str = "chgnet",
    folder: str | Path | None = None,
    workers: int = 1,
    device: str = "cpu",
    steps: int = STEPS,
    fmax: float = FMAX,
) -> RelaxationReport:
    """Relax known crystals and compare energies with the table's.

    Parameters
    ----------
    data
        A table with ``formation_energy_per_atom`` and ``e_above_hull``.
    limit, seed
        How many crystals, drawn at random.
    potential, folder, workers, device, steps, fmax
        As for ``xcrystal.energetics.relaxing.relax``.

    Raises
    ------
    DatasetError
        If there is no such table, or it has no energies.
    """
    table = read_table(data)
    missing = [name for name in ("formation_energy_per_atom", "e_above_hull") if name not in table]
    if missing:
        raise DatasetError(f"{data} lacks the columns {', '.join(missing)}.")
    rows = table[table["formation_energy_per_atom"].notna()].reset_index(drop=True)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:limit])
    rows = rows.iloc[drawn]
    crystals = [structure_of(record) for record in rows.to_dict("records")]
    found = relax(crystals, potential=potential, folder=folder, workers=workers, device=device, steps=steps, fmax=fmax)
    known, above = (rows[name].to_numpy(dtype=float) for name in ("formation_energy_per_atom", "e_above_hull"))
    energies = np.array([result.formation_energy_per_atom for result in found])
    before = np.array([_before(result) for result in found])
    # the table's hull holds the crystal itself, so what lies below the hull of the others is on it
    own = np.maximum(0.0, [result.e_above_hull for result in found])
    table_hull = np.maximum(
        0.0, [energy_above_hull(crystal.composition, energy) for crystal, energy in zip(crystals, known, strict=True)]
    )
    kinds = np.array([kind_of(species) for species in rows["species"]])
    both = np.isfinite(own) & np.isfinite(above)
    good = [result for result in found if result.structure is not None]
    return RelaxationReport(
        crystals=len(found),
        not_relaxed={name: result.error for name, result in zip(identifiers(rows), found, strict=True) if result.error},
        relaxed=Share.of(sum(result.converged for result in found), len(found)),
        same_structure=Share.of(sum(result.matches_start for result in found), len(found)),
        formation_energy=_errors(energies - known),
        before_relaxing=_errors(before - known),
        classes={kind: _errors((energies - known)[kinds == kind]) for kind in CLASSES},
        e_above_hull=_errors(own - above),
        hull_itself=_errors(table_hull - above),
        agree=Share.of(int(((own < METASTABLE) == (above < METASTABLE))[both].sum()), int(both.sum())),
        volume_change=quartiles(np.array([result.volume_change for result in good])),
        step_numbers=quartiles(np.array([float(result.steps) for result in good])),
        relaxations=tuple(found),
    )


def kind_of(species: Iterable[str]) -> str:
    """Which of ``CLASSES`` a crystal is, by its elements."""
    from pymatgen.core import Element

    elements = set(species)
    if "O" in elements:
        return "oxides"
    if elements & HALOGENS:
        return "halides"
    if elements & CHALCOGENS:
        return "chalcogenides"
    return "intermetallics" if all(Element(element).is_metal for element in elements) else "others"


def _before(result: Relaxation) -> float:
    return result.formation_energy_at(0) if len(result.energies) else math.nan


def _errors(errors: np.ndarray) -> EnergyError:
    return EnergyError.of(errors[np.isfinite(errors)])
