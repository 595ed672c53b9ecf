"""Measured powder patterns; ``pattern_formats`` says in which files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.files import check_bytes, read_whole
from xcrystal.diffraction.figures import Curve, Drawable, pattern_figure
from xcrystal.diffraction.pattern_formats import MAX_POINTS, parse_columns
from xcrystal.diffraction.powder import UNITS, Pattern, Unit, in_unit, to_two_theta, wavelength_of
from xcrystal.errors import ReadError, check_one_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MIN_POINTS = 50
_ANGLES_ONLY = (".uxd", ".xrdml", ".brml", ".raw", ".ras", ".rasx")  # which never hold anything but angles


@dataclass(frozen=True, eq=False)
class MeasuredPattern:
    """A measured powder pattern.

    Attributes
    ----------
    name
        Of the file.
    two_theta
        (n,) rising angles, degrees.
    intensity
        (n,) counts, or whatever they are.
    wavelength
        Å.
    unit
        What the positions were in where it was read from.
    """

    name: str
    two_theta: np.ndarray
    intensity: np.ndarray
    wavelength: float
    unit: Unit = "two_theta"

    def __repr__(self) -> str:
        low, high = self.two_theta[[0, -1]]
        return f"MeasuredPattern({self.name!r}, {len(self)} points from {low:g} to {high:g}°)"

    def __len__(self) -> int:
        return len(self.two_theta)

    def curve(self, unit: str) -> Curve:
        """As it is drawn, in a unit."""
        above, none = self.intensity - min(self.intensity.min(), 0), np.zeros(0)
        return Curve(
            self.name, in_unit(self.two_theta, self.wavelength, unit), 100 * above / above.max(), none, none, none
        )

    def figure(self, other: Drawable | None = None) -> Figure:
        """The pattern as a plotly figure; a calculated ``other`` is drawn beneath, upside down."""
        return pattern_figure(self, other, "two_theta", UNITS["two_theta"])


def read_pattern(pattern: Any, *, source: str | float | None = None, unit: Unit = "two_theta") -> MeasuredPattern:
    """Read a measured powder pattern.

    Parameters
    ----------
    pattern
        The path of a file, a pair of arrays (positions, intensities), or a pattern, measured or calculated.
    source
        The line or wavelength (Å) that it was measured with; by default what the file says, else "CuKa".
    unit
        Of positions in columns and arrays: "two_theta" (degrees) or "q" (1/Å).

    Raises
    ------
    ReadError
        If it is no pattern; the sentence says what is wrong.
    TargetError
        If there is no such source or unit.
    """
    check_one_of(unit, UNITS, "unit")
    given = None if source is None else wavelength_of(source)
    if isinstance(pattern, MeasuredPattern):
        return pattern if given is None else _checked(pattern.name, pattern.two_theta, pattern.intensity, given, unit)
    if isinstance(pattern, Pattern):
        x, y = pattern.profile()
        angle = to_two_theta(x, pattern.wavelength, pattern.unit)
        return MeasuredPattern(pattern.formula, angle, y, pattern.wavelength)
    if isinstance(pattern, (str, os.PathLike)):
        path = Path(pattern)
        return parse_pattern(read_whole(path), path.name, source=source, unit=unit)
    try:
        first, second = pattern
        x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    except (TypeError, ValueError):
        raise ReadError("A pattern is the path of a file, or two arrays: positions and intensities.") from None
    wavelength = given or wavelength_of("CuKa")
    return _checked("pattern", to_two_theta(x, wavelength, unit), y, wavelength, unit)


def parse_pattern(
    content: bytes, name: str, *, source: str | float | None = None, unit: Unit = "two_theta"
) -> MeasuredPattern:
    """Read a measured powder pattern from the content of a file; the rest is as for ``read_pattern``.

    Parameters
    ----------
    content, name
        The bytes, and the name of the file, whose ending says of which format it is.
    """
    check_one_of(unit, UNITS, "unit")
    check_bytes(len(content), name)
    x, y, told = parse_columns(content, name)
    wavelength = (None if source is None else wavelength_of(source)) or told or wavelength_of("CuKa")
    if Path(name).suffix.lower() in _ANGLES_ONLY:
        unit = "two_theta"
    return _checked(name, to_two_theta(x, wavelength, unit), y, wavelength, unit)


def _checked(name: str, x: np.ndarray, y: np.ndarray, wavelength: float, unit: Unit) -> MeasuredPattern:
    if x.ndim != 1 or x.shape != y.shape:
        raise ReadError(f"{name} has {x.size} positions but {y.size} intensities; each needs one of the other.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ReadError(f"{name} holds a number that is not finite (NaN or infinite).")
    if len(x) > MAX_POINTS:
        raise ReadError(f"{name} has {len(x):,} points; at most {MAX_POINTS:,} are read.")
    if not 0.05 <= wavelength <= 10:
        raise ReadError(f"{name} says a wavelength of {wavelength:g} Å, as X-rays do not have; give the source.")
    order = np.argsort(x, kind="stable")
    angle, first, count = np.unique(x[order], return_index=True, return_counts=True)
    if len(angle) < MIN_POINTS:
        raise ReadError(f"{name} has {len(angle)} points; a pattern has at least {MIN_POINTS}.")
    if angle[0] < 0 or angle[-1] >= 180:
        raise ReadError(f"{name} goes from {angle[0]:g} to {angle[-1]:g}; angles 2θ lie between 0 and 180 degrees.")
    mean = np.add.reduceat(y[order], first) / count
    if np.ptp(mean) == 0:
        raise ReadError(f"{name} has the same intensity everywhere, so no peaks.")
    return MeasuredPattern(name, angle, mean, wavelength, unit)
