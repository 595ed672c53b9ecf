"""Powder diffraction patterns of crystals: ``xrd``."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.diffraction.figures import Curve, Drawable, pattern_figure
from xcrystal.diffraction.reflections import UnitCell, cell_of_crystal, cell_of_structure, reflections_of
from xcrystal.errors import InvalidCrystalError, TargetError, check_one_of

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure
    from pymatgen.core import IStructure

Unit = Literal["two_theta", "q"]
UNITS = {"two_theta": "2θ (degrees)", "q": "q (1/Å)"}
# Å, as pymatgen has them; from there they would come with matplotlib, which takes half a second
WAVELENGTHS = {
    "CuKa": 1.54184,
    "CuKa2": 1.54439,
    "CuKa1": 1.54056,
    "CuKb1": 1.39222,
    "MoKa": 0.71073,
    "MoKa2": 0.71359,
    "MoKa1": 0.7093,
    "MoKb1": 0.63229,
    "CrKa": 2.291,
    "CrKa2": 2.29361,
    "CrKa1": 2.2897,
    "CrKb1": 2.08487,
    "FeKa": 1.93735,
    "FeKa2": 1.93998,
    "FeKa1": 1.93604,
    "FeKb1": 1.75661,
    "CoKa": 1.79026,
    "CoKa2": 1.79285,
    "CoKa1": 1.78896,
    "CoKb1": 1.63079,
    "AgKa": 0.560885,
    "AgKa2": 0.563813,
    "AgKa1": 0.559421,
    "AgKb1": 0.497082,
}
TOLERANCE = 1e-5  # degrees: reflections as near as that are one peak
_WEAKEST = 1e-3  # per cent of the strongest peak, below which a peak is none
_STEP = 0.02  # degrees, of a profile
_REMEMBERED = 256


@dataclass(frozen=True)
class Broadening:
    """How wide peaks are: the instrument, small crystallites (Scherrer's formula, K = 0.9) and strain.

    Attributes
    ----------
    fwhm
        Of the instrument, degrees of 2θ.
    size
        Of the crystallites, nm; infinite ones do not broaden.
    strain
        Relative change of spacings, as A. R. Stokes and A. J. C. Wilson define it (Proc. Phys. Soc. 56, 174, 1944): it
        adds 4 strain tan θ to the width.
    lorentzian
        Share of the Lorentzian in the pseudo-Voigt shape, 0 to 1.
    """

    fwhm: float = 0.1
    size: float = math.inf
    strain: float = 0.0
    lorentzian: float = 0.5

    def __post_init__(self) -> None:
        known = all(map(math.isfinite, (self.fwhm, self.strain, self.lorentzian)))
        if not known or not (0 < self.fwhm <= 20 and self.size > 0 and 0 <= self.strain < 1):
            raise TargetError("The broadening needs a width of up to 20 degrees, a size above 0 and a strain below 1.")
        if not 0 <= self.lorentzian <= 1:
            raise TargetError(f"The share of the Lorentzian is between 0 and 1, not {self.lorentzian:g}.")

    def widths(self, two_theta: np.ndarray, wavelength: float) -> np.ndarray:
        """Full widths at half maximum (n,), degrees, of peaks at ``two_theta`` (n,), degrees."""
        theta = np.radians(two_theta / 2)
        small = 0.9 * wavelength / (10 * self.size * np.cos(theta))
        return self.fwhm + np.degrees(small + 4 * self.strain * np.tan(theta))


@dataclass(frozen=True)
class Family:
    """Equivalent reflections: one of them, in the conventional cell, and how many there are."""

    hkl: tuple[int, int, int]
    multiplicity: int

    def __str__(self) -> str:
        apart = " " if any(abs(index) > 9 for index in self.hkl) else ""
        return apart.join(f"{abs(i)}" + ("\u0305" if i < 0 else "") for i in self.hkl)


@dataclass(frozen=True, eq=False)
class Pattern:
    """A calculated powder pattern.

    Attributes
    ----------
    formula, space_group
        Of the crystal; ``hkl`` are in its conventional cell.
    wavelength
        Å.
    two_theta
        (n,) positions of the peaks, degrees.
    intensity
        (n,) integrated intensities, the strongest 100.
    d
        (n,) spacings, Å.
    families
        The reflections that make each peak; mostly one family.
    unit
        What ``position`` and ``profile`` are in: "two_theta" (degrees) or "q" (1/Å).
    broadening
        How wide the peaks of the profile are.
    limits
        The range of 2θ in degrees.
    """

    formula: str
    space_group: int
    wavelength: float
    two_theta: np.ndarray
    intensity: np.ndarray
    d: np.ndarray
    families: tuple[tuple[Family, ...], ...]
    unit: Unit = "two_theta"
    broadening: Broadening = field(default_factory=Broadening)
    limits: tuple[float, float] = (0.0, 90.0)

    def __repr__(self) -> str:
        return f"Pattern({self.formula!r}, {len(self.two_theta)} peaks, wavelength={self.wavelength:g} Å)"

    def __len__(self) -> int:
        return len(self.two_theta)

    @property
    def position(self) -> np.ndarray:
        """(n,) of the peaks, in ``unit``."""
        return in_unit(self.two_theta, self.wavelength, self.unit)

    @cached_property
    def peaks(self) -> pd.DataFrame:
        """One row a peak: ``two_theta`` (degrees), ``q`` (1/Å), ``d`` (Å), ``intensity``, ``hkl``, ``multiplicity``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "two_theta": self.two_theta,
                "q": 2 * np.pi / self.d,
                "d": self.d,
                "intensity": self.intensity,
                "hkl": [", ".join(map(str, families)) for families in self.families],
                "multiplicity": [sum(f.multiplicity for f in families) for families in self.families],
            }
        )

    def profile(self, x: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The pattern as a curve.

        Parameters
        ----------
        x
            (m,) where, in ``unit``; by default every 0.02 degrees.

        Returns
        -------
        tuple of ndarray
            Positions (m,) in ``unit`` and intensities (m,), the highest 100.
        """
        if x is None:
            low = max(self.limits[0], 5.0 if self.limits[1] > 5 else 0.0)
            at = np.arange(low, self.limits[1] + _STEP / 2, _STEP)
        else:
            at = to_two_theta(np.asarray(x, dtype=float), self.wavelength, self.unit)
        heights = _curve(at, self.two_theta, self.intensity, self.broadening, self.wavelength)
        top = heights.max(initial=0.0)
        return in_unit(at, self.wavelength, self.unit), 100 * heights / top if top > 0 else heights

    def explain(self, position: float, within: float = 0.3) -> pd.DataFrame:
        """The peaks near a position in ``unit``, nearest first: the planes that diffract there.

        Parameters
        ----------
        position
            In ``unit``.
        within
            How near, degrees of 2θ.
        """
        at = float(to_two_theta(np.array([float(position)]), self.wavelength, self.unit)[0])
        away = np.abs(self.two_theta - at)
        near = np.flatnonzero(away <= within)
        return self.peaks.iloc[near[np.argsort(away[near], kind="stable")]]

    def curve(self, unit: str) -> Curve:
        """As it is drawn, in a unit."""
        x, y = self.profile()
        angle = to_two_theta(x, self.wavelength, self.unit)
        return Curve(
            self.formula,
            in_unit(angle, self.wavelength, unit),
            y,
            in_unit(self.two_theta, self.wavelength, unit),
            self.d,
            self.intensity,
            tuple(self.peaks["hkl"]),
        )

    def figure(self, other: Drawable | None = None) -> Figure:
        """The pattern as a plotly figure, each peak with its planes; ``other`` is drawn beneath, upside down."""
        return pattern_figure(self, other, self.unit, UNITS[self.unit])


def xrd(
    structure: Any,
    *,
    source: str | float = "CuKa",
    broadening: float | Broadening = 0.1,
    unit: Unit = "two_theta",
    limits: tuple[float, float] = (0.0, 90.0),
) -> Pattern:
    """The powder X-ray diffraction pattern of a crystal.

    Parameters
    ----------
    structure
        A pymatgen Structure, which may be disordered, a WyckoffCrystal, the path of a crystal file, or a UnitCell.
    source
        A characteristic line such as "CuKa", "MoKa", "CoKa1" (those of pymatgen), or a wavelength in Å.
    broadening
        Full width of the peaks at half maximum, degrees of 2θ, or a ``Broadening``.
    unit
        Of ``position`` and ``profile``: "two_theta" (degrees) or "q" (1/Å).
    limits
        The range of 2θ, degrees.

    Returns
    -------
    Pattern
        Peaks with their planes, and a profile. Intensities are those of an ideal powder at rest: no texture,
        absorption, anomalous dispersion or thermal motion.

    Raises
    ------
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If it is no crystal, or how an element scatters is not known.
    TargetError
        If there is no such source, unit, width or range, or no reflection in it.
    """
    check_one_of(unit, UNITS, "unit")
    wavelength = wavelength_of(source)
    width = broadening if isinstance(broadening, Broadening) else Broadening(_number(broadening, "The broadening"))
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError):
        raise TargetError(f"The limits are two angles in degrees, not {str(limits)[:40]}.") from None
    if not 0 <= low < high <= 180:
        raise TargetError(f"The range of 2θ lies between 0 and 180 degrees, not from {low:g} to {high:g}.")
    cell = unit_cell(structure)
    content = (cell.group, *(a.tobytes() for a in (cell.parameters, cell.points, cell.numbers, cell.occupancies)))
    return _calculated(_Content(content, cell), wavelength, (low, high), width, unit)


def unit_cell(structure: Any) -> UnitCell:
    """What diffracts of a structure, a crystal in canonical form, or a file.

    Raises
    ------
    ReadError, InvalidCrystalError
        If it is no crystal.
    """
    from pymatgen.core import IStructure

    from xcrystal.crystal.reading import read_structure

    if isinstance(structure, UnitCell):
        return structure
    if isinstance(structure, WyckoffCrystal):
        return cell_of_crystal(structure)
    if isinstance(structure, (str, os.PathLike)):
        structure = _disordered(Path(structure)) or read_structure(structure)
    if isinstance(structure, IStructure) and not structure.is_ordered:
        if not np.isfinite(structure.lattice.matrix).all() or not np.isfinite(structure.frac_coords).all():
            raise InvalidCrystalError("A number in this structure is not finite (NaN or infinite).")
        return cell_of_structure(structure)
    return cell_of_structure(read_structure(structure))


def _disordered(path: Path) -> IStructure | None:
    """The crystal of a file if it is a disordered one; None lets others say what is wrong with it."""
    from xcrystal.crystal.files import read_whole
    from xcrystal.crystal.reading import parse_structure
    from xcrystal.errors import XCrystalError

    try:
        structure = parse_structure(read_whole(path), path.name)
    except (XCrystalError, ValueError):
        return None
    return None if structure.is_ordered else structure


@dataclass(frozen=True)
class _Content:
    """A cell that is known again by what it holds."""

    content: tuple[Any, ...]
    cell: UnitCell = field(compare=False)


@lru_cache(maxsize=_REMEMBERED)
def _calculated(
    content: _Content, wavelength: float, limits: tuple[float, float], width: Broadening, unit: Unit
) -> Pattern:
    cell = content.cell
    low, high = (2 * math.sin(math.radians(angle / 2)) / wavelength for angle in limits)
    found = reflections_of(cell, 1 / high, 1 / low if low else math.inf)
    two_theta = angles(found.d, wavelength)
    intensity = found.strength * lorentz_polarization(two_theta)
    if not len(intensity) or intensity.max() <= 0:
        raise TargetError(f"There is no reflection between {limits[0]:g} and {limits[1]:g} degrees of 2θ.")
    # families that fall on one another make one peak
    begins = np.concatenate([[True], np.diff(two_theta) > TOLERANCE])
    peak = np.cumsum(begins) - 1
    heights = np.bincount(peak, intensity)
    kept = np.flatnonzero(heights / heights.max() * 100 > _WEAKEST)
    firsts = np.flatnonzero(begins)
    ends = np.append(firsts[1:], len(two_theta))
    strong = intensity > 1e-9 * intensity.max()
    families = tuple(
        tuple(
            Family((int(h), int(k), int(l)), int(m))
            for (h, k, l), m, seen in zip(  # noqa: E741
                found.hkl[firsts[p] : ends[p]].tolist(),
                found.multiplicity[firsts[p] : ends[p]].tolist(),
                strong[firsts[p] : ends[p]].tolist(),
                strict=True,
            )
            if seen
        )
        for p in kept
    )
    return Pattern(
        _formula(cell),
        cell.group,
        wavelength,
        two_theta[firsts[kept]],
        100 * heights[kept] / heights[kept].max(),
        found.d[firsts[kept]],
        families,
        unit,
        width,
        limits,
    )


def _formula(cell: UnitCell) -> str:
    from pymatgen.core import Composition, Element

    amounts: dict[Any, float] = {}
    for z, amount in zip(cell.numbers.tolist(), cell.occupancies.tolist(), strict=True):
        amounts[Element.from_Z(z)] = amounts.get(Element.from_Z(z), 0.0) + amount
    return str(Composition(amounts).reduced_formula)


def angles(d: np.ndarray, wavelength: float) -> np.ndarray:
    """Bragg angles 2θ (n,), degrees, of spacings (n,) in Å; 180 for planes too dense for the wavelength."""
    found: np.ndarray = np.degrees(2 * np.arcsin(np.minimum(wavelength / (2 * d), 1.0)))
    return found


def lorentz_polarization(two_theta: np.ndarray) -> np.ndarray:
    """The Lorentz and polarization factor (n,) of a powder at angles (n,), degrees, of an unpolarized beam."""
    theta = np.radians(two_theta / 2)
    found: np.ndarray = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.maximum(np.cos(theta), 1e-9))
    return found


def wavelength_of(source: str | float) -> float:
    """The wavelength of a source in Å.

    Raises
    ------
    TargetError
        If there is no such source.
    """
    if isinstance(source, str) and source in WAVELENGTHS:
        return float(WAVELENGTHS[source])
    try:
        found = float(source)
    except (TypeError, ValueError):
        known = ", ".join(WAVELENGTHS)
        raise TargetError(f"There is no source {str(source)[:30]!r}; there are: {known}, or a number in Å.") from None
    if not 0.05 <= found <= 10:
        raise TargetError(f"A wavelength of X-rays is between 0.05 and 10 Å, not {found:g}.")
    return found


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TargetError(f"{what} is a number, not {str(value)[:40]!r}.") from None


def in_unit(two_theta: np.ndarray, wavelength: float, unit: str) -> np.ndarray:
    """Angles (n,), degrees, in a unit."""
    if unit == "two_theta":
        return two_theta
    found: np.ndarray = 4 * np.pi * np.sin(np.radians(two_theta / 2)) / wavelength
    return found


def to_two_theta(x: np.ndarray, wavelength: float, unit: str) -> np.ndarray:
    """Angles (n,), degrees, of positions (n,) in a unit."""
    if unit == "two_theta":
        return x
    found: np.ndarray = np.degrees(2 * np.arcsin(np.clip(x * wavelength / (4 * np.pi), -1, 1)))
    return found


def _curve(
    x: np.ndarray, centres: np.ndarray, areas: np.ndarray, broadening: Broadening, wavelength: float
) -> np.ndarray:
    """Sum (m,) of pseudo-Voigt peaks at angles (m,), each as far as 20 of its widths."""
    heights = np.zeros(len(x))
    order = np.argsort(x)
    at = x[order]
    half = broadening.widths(centres, wavelength) / 2
    gauss, share = math.sqrt(math.log(2) / math.pi), broadening.lorentzian
    first, last = np.searchsorted(at, centres - 40 * half), np.searchsorted(at, centres + 40 * half)
    for centre, area, width, begin, end in zip(centres, areas, half, first, last, strict=True):
        away = ((at[begin:end] - centre) / width) ** 2
        shape = share / (np.pi * (1 + away)) + (1 - share) * gauss * np.exp2(-away)
        heights[order[begin:end]] += area / width * shape
    return heights
