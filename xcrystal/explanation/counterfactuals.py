"""Counterfactuals: the smallest change of a crystal that turns what the model predicts of it into something else.

Candidates are the substitution of each orbit by each element that the model has seen often enough, and small strains.
Each edited crystal is encoded and predicted; it is not relaxed. Whether it became a metal or an insulator is decided by
the predicted probability that its gap is not zero, whether it is on the hull by that of its distance, anything else by
the predicted value. A *counterfactual* is any minimal change that has the outcome (S. Wachter, B. Mittelstadt, C.
Russell, Harvard J. Law Technol. 31, 841, 2018). A second label says whether the predicted difference lies *beyond the
error* of the model: the root of the sum of the squared distances from each value to the end of its 90 % interval that
faces the other, as if the two errors were independent. Errors on two like crystals are rather alike, so this is on the
safe side.

The size of a change, by which they are ranked, is the sum of two parts of like scale:

* how much of the crystal changed: the distance of both elements on Pettifor's chemical scale as a share of its length,
  times the share of atoms exchanged; or the strain (angles in radians);
* how far its latent vector went: |dz| over the square root of the number of latent dimensions, which is the root mean
  square change of a coordinate whose prior has unit width.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, UNITS
from xcrystal.crystal.editing import strained
from xcrystal.crystal.elements import MAX_Z, chemical_scale, symbol
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contacts
from xcrystal.crystal.reading import encodable
from xcrystal.crystal.symmetry.canonical import element_key
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.orbits import ISOTROPIC, PARAMETERS, free_parameters
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal, expand
from xcrystal.errors import CheckpointError, TargetError, UnsupportedElementWarning, XCrystalError

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable

METAL_BELOW = 0.1  # eV: a smaller gap counts as none, if the model knows no probability of one
NEAR_HULL = 0.05  # eV/atom above hull: 86 % of the known crystals of the bundled atlas lie below
ON_HULL = 0.002  # eV/atom: closer counts as on the hull, if the model knows no probability of being above it
OUTCOMES = ("metal", "insulator", "on the hull", "near the hull", "above the hull")
_RENAMED = {"stable": "near the hull", "unstable": "above the hull"}
STRAINS = (0.01, 0.02, 0.04)
OFTEN = 50  # orbits of the training data that an element is on; of a rarer one the model knows too little
_SAID = re.compile(r"([a-z_]+)\s*(<=|>=|<|>)\s*([-+0-9.eE]+)")
_CHUNK = 64
_LENGTH = 103.0  # of the chemical scale


@dataclass(frozen=True)
class Outcome:
    """What a prediction is to become: a property ``above`` or below a ``threshold``, and how that is called.

    ``sided`` says that the question is whether the property is zero, which is the probability's to answer where the
    model knows it, and the threshold's otherwise.
    """

    name: str
    target: str
    above: bool
    threshold: float
    sided: bool = False

    def reached(self, value: Any, nonzero: Any = None) -> Any:
        """Whether values, and probabilities of not being zero if they are known, have this outcome."""
        measure, threshold = (nonzero, 0.5) if self.sided and nonzero is not None else (value, self.threshold)
        return measure > threshold if self.above else measure <= threshold


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """One change that turns the predicted outcome.

    Attributes
    ----------
    words
        What is changed: "Ti on 1b became V", or "a strained by +2 %".
    structure
        The edited crystal, its standardized primitive cell; not relaxed.
    crystal
        Its canonical form.
    kind, orbit, change
        "substitution", the number of the orbit of the crystal that was given in its canonical form, and the symbol of
        its new element; or "strain", None, and the lattice parameter ("all" for the same in all directions).
    strain
        Of a strain; 0 for a substitution.
    target, unit
        The property that decides.
    value_before, value_after
        Predicted, in ``unit``.
    intervals
        The 90 % intervals of both; NaN if the model knows none.
    nonzero
        Probability that the property is not zero, of both; NaN if the model knows none.
    size
        How large the change is; see above.
    dz
        How far its latent vector went.
    beyond_error
        Whether the difference exceeds the model's error.
    extrapolates
        Whether the latent vector lies farther from the data than 95 % of the known crystals; None without an atlas.
    """

    words: str
    structure: Structure
    crystal: WyckoffCrystal
    kind: str
    orbit: int | None
    change: str
    strain: float
    target: str
    unit: str
    value_before: float
    value_after: float
    intervals: tuple[tuple[float, float], tuple[float, float]]
    nonzero: tuple[float, float]
    size: float
    dz: float
    beyond_error: bool
    extrapolates: bool | None

    @property
    def error(self) -> float:
        """By how much both values have to differ, in ``unit``."""
        low, high = difference_interval(self.value_before, self.value_after, *self.intervals)
        difference = self.value_after - self.value_before
        return float(difference - low if difference > 0 else high - difference)

    @property
    def formula(self) -> str:
        """Reduced formula of the edited crystal."""
        return str(self.structure.composition.reduced_formula)

    @property
    def counterfactual(self) -> bool:
        """Deprecated: ``beyond_error``; every change that turns the outcome is a counterfactual."""
        warnings.warn("counterfactual.counterfactual is now beyond_error.", DeprecationWarning, stacklevel=2)
        return self.beyond_error

    @property
    def verdict(self) -> str:
        """ "beyond the error" or "within the error"; with a warning where it extrapolates."""
        said = "beyond the error" if self.beyond_error else "within the error"
        return f"{said}, extrapolation" if self.extrapolates else said


def outcome_of(outcome: str | Outcome, near_hull: float = NEAR_HULL, *, stable_below: float | None = None) -> Outcome:
    """The outcome of a name.

    Parameters
    ----------
    outcome
        "metal" or "insulator" (probability of a gap, below or above one half), "on the hull" (probability of lying
        above it below one half), "near the hull" or "above the hull" (predicted energy above hull), or a property and a
        number, such as "formation_energy_per_atom < -2".
    near_hull
        The hull distance (eV/atom) up to which a crystal counts as near the hull.
    stable_below
        Deprecated: ``near_hull``.

    Raises
    ------
    TargetError
        If it is none of these.
    """
    if isinstance(outcome, Outcome):
        return outcome
    near_hull = _near(near_hull, stable_below)
    named = {
        "metal": ("band_gap", False, METAL_BELOW),
        "insulator": ("band_gap", True, METAL_BELOW),
        "on the hull": ("e_above_hull", False, ON_HULL),
        "near the hull": ("e_above_hull", False, near_hull),
        "above the hull": ("e_above_hull", True, near_hull),
    }
    said = " ".join(str(outcome).split())
    if said in _RENAMED:
        warnings.warn(f"The outcome {said!r} is now {_RENAMED[said]!r}.", DeprecationWarning, stacklevel=2)
        said = _RENAMED[said]
    if said in named:
        return Outcome(said, *named[said], sided=said in ("metal", "insulator", "on the hull"))
    match = _SAID.fullmatch(said.replace("band gap", "band_gap"))
    try:
        target, sign, number = match.groups() if match else ("", "", "")
        threshold = float(number)
    except ValueError:
        threshold = np.nan
    if match is None or target not in PROPERTIES or not np.isfinite(threshold):
        raise TargetError(
            f"There is no outcome {said[:60]!r}; there are: {', '.join(OUTCOMES)}, or a property and a number, "
            "such as 'band_gap > 2'."
        )
    return Outcome(said, target, sign.startswith(">"), threshold)


def counterfactuals(
    model: Explorable,
    structure: Any,
    outcome: str | Outcome = "metal",
    *,
    near_hull: float = NEAR_HULL,
    strains: Sequence[float] = STRAINS,
    most: int | None = 12,
    atlas: Atlas | None = None,
    progress: Callable[..., bool] | None = None,
    stable_below: float | None = None,
) -> list[Counterfactual]:
    """The smallest changes of a crystal after which the model predicts another outcome.

    Parameters
    ----------
    model
        Predicts.
    structure
        A Structure, the path of a file, or a WyckoffCrystal in canonical form.
    outcome, near_hull
        What the prediction is to become; see ``outcome_of``.
    strains
        Relative strains that are tried with both signs, isotropic and along each free lattice parameter.
    most
        How many are given of those that exceed the error, and as many of the others; None for all.
    atlas
        Known crystals, to tell what extrapolates.
    progress
        Called as ``progress(words, steps)`` while candidates are predicted (``candidates`` of them in all); where it
        gives False the search ends, and what was found so far is given.
    stable_below
        Deprecated: ``near_hull``.

    Returns
    -------
    list of Counterfactual
        Those that exceed the model's error first, then the others, each smallest first.

    Raises
    ------
    TargetError
        If there is no such outcome, or the crystal has it already.
    CheckpointError
        If the model does not predict the property.
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If the crystal cannot be encoded.
    """
    wanted = outcome_of(outcome, _near(near_hull, stable_below))
    if wanted.target not in model.properties:
        raise CheckpointError(f"The model {model.name!r} does not predict the property {wanted.target!r}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedElementWarning)
        crystal = structure if isinstance(structure, WyckoffCrystal) else model.canonical(structure).crystal
    z = model.encode_canonical([crystal])
    before = _Predicted.of(model, z, wanted.target)
    if before.reached(wanted)[0]:
        raise TargetError(
            f"This crystal is already predicted to be so ({wanted.name}): "
            f"{wanted.target.replace('_', ' ')} {before.values[0]:.3f} {UNITS[wanted.target]}."
        )
    tried = candidates(model, crystal, strains)
    found: list[Counterfactual] = []
    for start in range(0, len(tried), _CHUNK):
        part = tried[start : start + _CHUNK]
        codes = model.encode_canonical([candidate.crystal for candidate in part])
        after = _Predicted.of(model, codes, wanted.target)
        lengths = np.linalg.norm(codes - z, axis=1)
        flipped = np.flatnonzero(after.reached(wanted))
        outside = _outside(atlas, codes[flipped])
        for k, extrapolates in zip(flipped, outside, strict=True):
            found.append(
                Counterfactual(
                    part[k].words,
                    part[k].crystal.to_structure(),
                    part[k].crystal,
                    part[k].kind,
                    part[k].orbit,
                    part[k].change,
                    part[k].strain,
                    wanted.target,
                    UNITS[wanted.target],
                    float(before.values[0]),
                    float(after.values[k]),
                    (before.interval(0), after.interval(k)),
                    (float(before.nonzero[0]), float(after.nonzero[k])),
                    float(part[k].amount + lengths[k] / np.sqrt(model.latent_dim)),
                    float(lengths[k]),
                    beyond_error(before.values[0], after.values[k], before.interval(0), after.interval(k)),
                    extrapolates,
                )
            )
        if progress is not None and not progress(f"{len(found)} found", len(part)):
            break
    found.sort(key=lambda one: (not one.beyond_error, one.size))
    sure = [one for one in found if one.beyond_error]
    return [*sure[:most], *found[len(sure) :][:most]]


def _near(near_hull: float, stable_below: float | None) -> float:
    """How near to the hull is near, in eV/atom, also by its earlier name."""
    if stable_below is None:
        return near_hull
    warnings.warn("stable_below is now near_hull.", DeprecationWarning, stacklevel=3)
    return stable_below


def difference_interval(one: Any, other: Any, first: Any, second: Any) -> np.ndarray:
    """(..., 2) interval of ``other - one``, values (...) with intervals (..., 2), as if their errors were independent.

    Each end is as far from the difference as the root of the sum of the squared distances from both values to those
    ends of their intervals that make for it; NaN if the intervals are.
    """
    one, other, first, second = (np.asarray(x, dtype=float) for x in (one, other, first, second))
    down = np.hypot(other - second[..., 0], first[..., 1] - one)
    up = np.hypot(second[..., 1] - other, one - first[..., 0])
    return np.stack([other - one - down, other - one + up], axis=-1)


def beyond_error(one: float, other: float, first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether two predictions with 90 % intervals differ by more than the model's error; False if that is not known."""
    low, high = difference_interval(one, other, first, second)
    return bool(low > 0 or high < 0)


def table(found: Sequence[Counterfactual]) -> pd.DataFrame:
    """Counterfactuals as a table, one a row."""
    import pandas as pd

    rows = [
        {
            "change": one.words,
            "formula": one.formula,
            "space group": one.crystal.space_group,
            f"{one.target} before": one.value_before,
            "after": one.value_after,
            "error of the difference": one.error,
            "size": one.size,
            "|dz|": one.dz,
            "verdict": one.verdict,
        }
        for one in found
    ]
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A changed crystal: its canonical form, what was changed, and how much of the crystal that is."""

    words: str
    crystal: WyckoffCrystal
    kind: str
    orbit: int | None
    change: str
    strain: float
    amount: float


def often_seen(model: Explorable) -> list[int]:
    """Atomic numbers that are on at least 50 orbits of the training data; all, if that is not known."""
    seen = {int(z): int(n) for z, n in model.facts.get("elements_seen", {}).items()}
    return [z for z in range(1, MAX_Z + 1) if not seen or seen.get(z, 0) >= OFTEN]


def candidates(model: Explorable, crystal: WyckoffCrystal, strains: Sequence[float] = STRAINS) -> list[Candidate]:
    """All single substitutions and small strains of a crystal in canonical form whose atoms do not overlap."""
    found = [*_substitutions(crystal, often_seen(model), model.limits), *_strains(crystal, strains, model.limits)]
    atoms = expand([crystal, *(one.crystal for one in found)])
    numbers = [c.elements[a.orbit] for c, a in zip([crystal, *(one.crystal for one in found)], atoms, strict=True)]
    contacts = shortest_contacts([a.cell for a in atoms], [a.points for a in atoms], numbers)
    least = min(SHORT_CONTACT, contacts[0].ratio)  # a crystal whose own atoms overlap may be changed
    return [one for one, contact in zip(found, contacts[1:], strict=True) if contact.ratio >= least - 1e-6]


def exchanged(crystal: WyckoffCrystal, elements: np.ndarray) -> WyckoffCrystal:
    """A crystal in canonical form with other elements (n,) on the same orbits, in canonical form.

    Exact, and without looking for symmetry, as long as orbits that had different elements still have, and those that
    had the same: symmetry follows from the positions of atoms that are alike, not from what they are.
    """
    orders = [elements[order] for order in crystal.permutations]
    return replace(crystal, elements=min(orders, key=element_key))


def _substitutions(crystal: WyckoffCrystal, elements: Sequence[int], limits: tuple[int, int]) -> list[Candidate]:
    """Each orbit with each other element.

    Which symmetry there is depends on which orbits have the same element. For all elements that the crystal does not
    hold otherwise that is the same, so it is found once an orbit, with one of them.
    """
    scale, multiplicities = chemical_scale(), crystal.multiplicities
    group = space_group(crystal.space_group)
    found = []
    for orbit, (old, kind) in enumerate(zip(crystal.elements, crystal.positions, strict=True)):
        share = float(multiplicities[orbit] / multiplicities.sum())
        label = f"{group.positions[int(kind)].multiplicity}{group.positions[int(kind)].letter}"
        known: tuple[WyckoffCrystal, int] | None = None  # with an element of its own on the orbit
        for new in elements:
            if new == old:
                continue
            try:
                if new in crystal.elements:
                    changed = _with_element(crystal, orbit, new, limits)
                elif known is None:
                    changed = _with_element(crystal, orbit, new, limits)
                    known = (changed, new)
                else:
                    form, placeholder = known
                    changed = exchanged(form, np.where(form.elements == placeholder, new, form.elements))
            except XCrystalError:
                continue
            amount = share * abs(int(scale[new]) - int(scale[old])) / _LENGTH
            words = f"{symbol(int(old))} on {label} became {symbol(new)}"
            found.append(Candidate(words, changed, "substitution", orbit, symbol(new), 0.0, amount))
    return found


def _with_element(crystal: WyckoffCrystal, orbit: int, element: int, limits: tuple[int, int]) -> WyckoffCrystal:
    elements = np.array(crystal.elements)
    elements[orbit] = element
    return encodable(replace(crystal, elements=elements).to_structure(), *limits).crystal


def _strains(crystal: WyckoffCrystal, strains: Sequence[float], limits: tuple[int, int]) -> list[Candidate]:
    parameters = free_parameters(crystal.space_group)
    # of a cubic crystal the only parameter is the isotropic strain
    kinds = (ISOTROPIC, *(parameters if len(parameters) > 1 else ()))
    found = []
    for parameter in kinds:
        for size in strains:
            for amount in (size, -size):
                try:
                    edited = encodable(strained(crystal, parameter, amount).to_structure(), *limits).crystal
                except XCrystalError:
                    continue
                what = "the cell" if parameter == ISOTROPIC else parameter
                percent = f"{100 * amount:+.3g}".replace("-", "−")
                unit = "hundredths of a radian" if parameter in PARAMETERS[3:] else "%"
                words = f"{what} strained by {percent} {unit}"
                found.append(Candidate(words, edited, "strain", None, parameter, amount, abs(amount)))
    return found


@dataclass(frozen=True)
class _Predicted:
    """Values (n,), 90 % intervals (n, 2) and probabilities of not being zero (n,) of one property; NaN if not known."""

    values: np.ndarray
    intervals: np.ndarray
    nonzero: np.ndarray

    @classmethod
    def of(cls, model: Explorable, z: np.ndarray, target: str) -> _Predicted:
        unknown, nonzero = np.full((len(z), 2), np.nan), model.known_nonzero(z)
        intervals = model.known_intervals(z).get(target, unknown)
        return cls(model.predict(z)[target], intervals, nonzero.get(target, unknown[:, 0]))

    def reached(self, wanted: Outcome) -> np.ndarray:
        return np.asarray(wanted.reached(self.values, None if np.isnan(self.nonzero).any() else self.nonzero))

    def interval(self, k: Any) -> tuple[float, float]:
        return float(self.intervals[k, 0]), float(self.intervals[k, 1])


def _outside(atlas: Atlas | None, z: np.ndarray) -> list[bool | None]:
    if atlas is None or len(z) == 0:
        return [None] * len(z)
    from xcrystal.latent.density import INSIDE, Density

    return [bool(share > INSIDE) for share in Density.of(atlas).quantiles(z)]
