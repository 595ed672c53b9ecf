"""Point defects of a crystal, one for each kind of site that symmetry tells apart: ``defects``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.reading import check_structure, read_structure
from xcrystal.crystal.symmetry.canonical import canonicalize, symmetry_dataset
from xcrystal.disorder.supercells import diagonal_cell
from xcrystal.errors import ReadError, TargetError, UnsupportedCrystalError, XCrystalError, check_one_of

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

KINDS = ("vacancy", "substitution", "antisite", "interstitial")
CAUTION = (
    "Defects are neutral here and nothing is relaxed: this says nothing of charged defects, levels in the gap and "
    "formation energies, and cells of this size hold far more defects than a crystal does."
)
_NEAREST = 1.2  # Å: an interstitial is at least as far from every atom
_APART = 0.3  # Å: vertices as near as that are one place
_VOIDS = 4  # for each element, the widest first
MOST_ATOMS = 320


@dataclass(frozen=True, eq=False)
class Defect:
    """A point defect in a supercell.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    name
        As people write it: "v_O", "Ca_Sr", "O_i".
    site
        Wyckoff position of the site in the perfect crystal; of an interstitial "i" and its number, the widest first.
    multiplicity
        How many such sites there are in the primitive cell.
    structure
        The supercell with the defect.
    z
        (Z,) latent vector; None if the model cannot encode it.
    moved
        Distance between that and the latent vector of the perfect crystal, in units of the root of their length.
    predicted, before
        Property name to value, with the defect and of the perfect crystal.
    problem
        Why it cannot be encoded, or "".
    """

    kind: str
    name: str
    site: str
    multiplicity: int
    structure: Structure
    z: np.ndarray | None = None
    moved: float | None = None
    predicted: dict[str, float] | None = None
    before: dict[str, float] | None = None
    problem: str = ""

    def __repr__(self) -> str:
        return f"Defect({self.name!r} on {self.site}, {self.structure.composition.formula})"

    def to_dict(self) -> dict[str, Any]:
        """What is known of it as plain values, the structure included."""
        return {
            "kind": self.kind,
            "name": self.name,
            "site": self.site,
            "multiplicity": self.multiplicity,
            "formula": self.structure.composition.formula,
            "moved": self.moved,
            "predicted": self.predicted,
            "before": self.before,
            "problem": self.problem,
            "structure": self.structure.as_dict(),
        }


def defects(
    structure: Any,
    kinds: str | Sequence[str] = KINDS,
    supercell: int | tuple[int, int, int] | None = None,
    *,
    dopants: Iterable[str] = (),
    model: CrystalModel | str | None = "mp20",
    progress: Callable[[int, int], object] | None = None,
) -> list[Defect]:
    """All point defects of a crystal that symmetry tells apart, and what a model makes of them.

    Parameters
    ----------
    structure
        A pymatgen Structure, or the path of a crystal file.
    kinds
        One or several of "vacancy", "substitution" (of each site by each dopant), "antisite" (by the crystal's other
        elements) and "interstitial" (the dopants, or without them the crystal's elements, in the widest voids).
    supercell
        Repeats of the primitive cell; by default as many as the model encodes, as nearly a cube as possible.
    dopants
        Symbols of other elements.
    model
        The model or its name; None encodes nothing.
    progress
        Called with how many defects are encoded, and of how many.

    Returns
    -------
    list of Defect
        In the order of ``kinds``. ``xcrystal.disorder.defects.CAUTION`` says what they do not tell.

    Raises
    ------
    ReadError, InvalidCrystalError
        If it is no crystal, or a dopant no element.
    TargetError
        If there is no such kind or supercell, substitutions are asked for without dopants, or dopants with neither
        substitutions nor interstitials.
    UnsupportedCrystalError
        If the supercell has more than 320 atoms.
    """
    from pymatgen.core import Element

    from xcrystal.generator import open_model

    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in wanted:
        check_one_of(kind, KINDS, "kind of defect")
    others = [dopants] if isinstance(dopants, str) else list(dopants)
    if kinds is not KINDS and "substitution" in wanted and not others:
        raise TargetError('Substitutions need other elements, such as dopants=["Ca"].')
    if others and not {"substitution", "interstitial"} & set(wanted):
        raise TargetError("Other elements are put in by substitutions and interstitials; ask for one of these as well.")
    for symbol in others:
        if not Element.is_valid_symbol(symbol):
            raise ReadError(f"There is no element {str(symbol)[:20]!r}; write symbols, such as Ca.")
    opened = open_model(model) if isinstance(model, str) else model
    found = canonicalize(read_structure(structure))
    perfect = found.crystal.to_structure()
    repeats = _repeats(perfect, supercell, 64 if opened is None else opened.max_atoms)
    host = perfect * repeats
    own = sorted({site.specie.symbol for site in perfect})
    made: list[Defect] = []
    for kind in dict.fromkeys(wanted):
        if kind == "interstitial":
            made += _interstitials(perfect, host, repeats, others or own)
        else:
            made += _on_sites(perfect, host, kind, others if kind == "substitution" else own)
    return made if opened is None else _judged(opened, perfect, made, progress)


def _repeats(perfect: Structure, supercell: int | tuple[int, int, int] | None, most: int) -> tuple[int, int, int]:
    if supercell is None:
        return diagonal_cell(perfect, most)
    given = tuple(supercell) if isinstance(supercell, (Sequence, np.ndarray)) else (supercell,) * 3
    if len(given) != 3 or not all(isinstance(k, (int, np.integer)) and k >= 1 for k in given):
        raise TargetError(f"A supercell is a number of repeats, or three, not {str(supercell)[:40]}.")
    if len(perfect) * int(np.prod(given)) > MOST_ATOMS:
        raise UnsupportedCrystalError(f"This supercell has more than {MOST_ATOMS} atoms; take fewer repeats.")
    return int(given[0]), int(given[1]), int(given[2])


def _on_sites(perfect: Structure, host: Structure, kind: str, elements: Sequence[str]) -> list[Defect]:
    """Vacancies, substitutions and antisites: one for each orbit."""
    orbits, labels = perfect.site_properties["orbit"], perfect.site_properties["wyckoff"]
    copies = len(host) // len(perfect)
    made = []
    for orbit in sorted(set(orbits)):
        first = orbits.index(orbit)
        old, place = perfect[first].specie.symbol, first * copies
        for new in [""] if kind == "vacancy" else [e for e in elements if e != old]:
            changed = host.copy()
            if kind == "vacancy":
                changed.remove_sites([place])
            else:
                changed.replace(place, new)
            made.append(Defect(kind, f"{new or 'v'}_{old}", labels[first], orbits.count(orbit), _plain(changed)))
    return [defect for defect in made if len(defect.structure)]


def _interstitials(
    perfect: Structure, host: Structure, repeats: tuple[int, int, int], elements: Sequence[str]
) -> list[Defect]:
    made = []
    for number, (point, count) in enumerate(voids(perfect), start=1):
        for element in elements:
            changed = host.copy()
            changed.append(element, point / np.array(repeats))
            made.append(Defect("interstitial", f"{element}_i", f"i{number}", count, _plain(changed)))
    return made


def voids(structure: Structure) -> list[tuple[np.ndarray, int]]:
    """The widest places between the atoms: fractional coordinates (3,), and how many equivalent ones there are.

    They are vertices of the Voronoi cells of the atoms, where four or more are equally near.
    """
    from scipy.spatial import Voronoi, cKDTree

    lattice = structure.lattice
    shifts = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    atoms = ((structure.frac_coords[None] % 1.0 + shifts[:, None]).reshape(-1, 3)) @ lattice.matrix
    vertices = lattice.get_fractional_coords(Voronoi(atoms).vertices)
    inside = vertices[((vertices > -1e-6) & (vertices < 1 - 1e-6)).all(axis=1)] % 1.0
    free = cKDTree(atoms).query(inside @ lattice.matrix)[0]
    dataset = symmetry_dataset(structure)
    found: list[tuple[np.ndarray, int]] = []
    taken = np.zeros((0, 3))
    for k in np.lexsort((*inside.T.round(4), -free.round(3))):
        if free[k] < _NEAREST or len(found) == _VOIDS:
            break
        if len(taken) and lattice.get_all_distances(inside[k], taken).min() < _APART:
            continue
        images = (dataset.rotations @ inside[k] + dataset.translations) % 1.0
        apart = np.zeros((0, 3))
        for image in images:
            if not len(apart) or lattice.get_all_distances(image, apart).min() >= _APART:
                apart = np.vstack([apart, image])
        taken = np.vstack([taken, images])
        found.append((inside[k], len(apart)))
    return found


def _plain(structure: Structure) -> Structure:
    from pymatgen.core import Structure

    return Structure(structure.lattice, structure.species, structure.frac_coords)


def _judged(
    model: CrystalModel, perfect: Structure, made: list[Defect], progress: Callable[[int, int], object] | None
) -> list[Defect]:
    """With latent vectors and predictions, where the model can encode them."""
    from dataclasses import replace

    try:
        host = model.encode(check_structure(perfect))
        before = {name: float(values[0]) for name, values in model.predict(host).items()}
    except XCrystalError as error:
        return [replace(defect, problem=str(error)) for defect in made]
    done: list[Defect] = []
    for defect in made:
        if progress is not None:
            progress(len(done), len(made))
        try:
            z = model.encode(check_structure(defect.structure))
        except XCrystalError as error:
            done.append(replace(defect, before=before, problem=str(error)))
            continue
        moved = float(np.linalg.norm(z[0] - host[0]) / np.sqrt(z.shape[1]))
        predicted = {name: float(values[0]) for name, values in model.predict(z).items()}
        done.append(replace(defect, z=z[0], moved=moved, predicted=predicted, before=before))
    return done
