"""Whether a crystal has one code however it is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import STRUCTURE_COLUMNS, identifiers, read_table, structure_of
from xcrystal.crystal.reading import check_structure
from xcrystal.crystal.symmetry.canonical import ANGLE_TOLERANCE, SYMPREC
from xcrystal.errors import XCrystalError
from xcrystal.reporting import Report, aligned

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Difference:
    """How far the code of one writing is from that of the crystal as given: |z' - z| / |z|, infinite if it has none."""

    material_id: str
    writing: str
    difference: float


@dataclass(frozen=True)
class InvarianceReport(Report):
    """Codes of four writings of each crystal against the code of the crystal as given.

    Attributes
    ----------
    crystals, tolerance
        How many were compared, and the relative difference up to which two codes are the same.
    share
        Share of all writings within the tolerance; ``share_by_writing`` tells them apart.
    worst
        The largest differences, the largest first.
    not_encoded
        Why, for each crystal that could not be encoded as given; these are not compared.
    """

    crystals: int
    tolerance: float
    share: float
    share_by_writing: dict[str, float]
    worst: tuple[Difference, ...]
    not_encoded: dict[str, str]

    def table(self) -> str:
        """The figures as lines of text, worst cases named."""
        rows = [
            ("crystals", f"{self.crystals}"),
            ("could not be encoded", f"{len(self.not_encoded)}"),
            (f"writings within {self.tolerance:g}", f"{self.share:.2%}"),
            *((f"  {name}", f"{share:.2%}") for name, share in self.share_by_writing.items()),
            *(("worst", f"{w.material_id} {w.writing}: {w.difference:.3g}") for w in self.worst),
        ]
        return aligned(rows)


def evaluate_invariance(model: CrystalModel, table: Path, n: int = 200, seed: int = 0) -> InvarianceReport:
    """Encode four writings of ``n`` crystals of a table, drawn with ``seed``.

    Raises
    ------
    DatasetError
        If the table cannot be read.
    """
    from tqdm.auto import tqdm

    frame = read_table(Path(table))
    rng = np.random.default_rng(seed)
    frame = frame.iloc[np.sort(rng.permutation(len(frame))[:n])]
    differences: list[Difference] = []
    not_encoded: dict[str, str] = {}
    records = frame[list(STRUCTURE_COLUMNS)].to_dict("records")
    for name, record in zip(identifiers(frame), tqdm(records, desc="rewriting", unit="crystal"), strict=True):
        try:
            structure = check_structure(structure_of(record))
            z = model.encode([structure])[0].astype(float)
        except XCrystalError as error:
            not_encoded[name] = str(error)
            continue
        for writing, other in writings(structure, rng).items():
            differences.append(Difference(name, writing, _difference(model, z, other)))
    return _report(len(records) - len(not_encoded), differences, not_encoded)


def writings(structure: Structure, rng: np.random.Generator) -> dict[str, Structure]:
    """The same crystal, differently: its standard cells (pymatgen, symprec 0.1 Å), a supercell, a random writing."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    analyzer = SpacegroupAnalyzer(structure, symprec=SYMPREC, angle_tolerance=ANGLE_TOLERANCE)
    return {
        "primitive": analyzer.get_primitive_standard_structure(),
        "conventional": analyzer.get_conventional_standard_structure(),
        "supercell 2x1x1": structure * (2, 1, 1),
        "rotated, translated, permuted": moved(structure, rng),
    }


def moved(structure: Structure, rng: np.random.Generator) -> Structure:
    """The structure randomly turned in space, its origin moved, and its atoms in another order."""
    from pymatgen.core import Lattice, Structure

    turn, upper = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = turn * np.sign(np.diag(upper))  # uniform over rotations and reflections
    turn[:, 0] *= np.linalg.det(turn)
    order = rng.permutation(len(structure))
    points = structure.frac_coords + rng.random(3)
    return Structure(Lattice(structure.lattice.matrix @ turn), [structure[i].specie for i in order], points[order])


def _difference(model: CrystalModel, z: np.ndarray, other: Structure) -> float:
    try:
        code = model.encode([other])[0].astype(float)
    except XCrystalError:
        return math.inf
    return float(np.linalg.norm(code - z) / np.linalg.norm(z))


def _report(crystals: int, differences: list[Difference], not_encoded: dict[str, str]) -> InvarianceReport:
    within = {name: [] for name in dict.fromkeys(d.writing for d in differences)}  # type: dict[str, list[bool]]
    for d in differences:
        within[d.writing].append(d.difference <= TOLERANCE)
    worst = sorted(differences, key=lambda d: -d.difference)[:5]
    return InvarianceReport(
        crystals=crystals,
        tolerance=TOLERANCE,
        share=float(np.mean([d.difference <= TOLERANCE for d in differences])) if differences else math.nan,
        share_by_writing={name: float(np.mean(good)) for name, good in within.items()},
        worst=tuple(worst),
        not_encoded=not_encoded,
    )
