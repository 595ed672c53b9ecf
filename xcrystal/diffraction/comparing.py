"""How alike a measured pattern and that of a crystal are, whatever the background, the zero and a few per cent of cell.

Patterns are compared on an axis of -ln d, where a larger cell is a shift: there intensities are gathered, smoothed, and
their square roots compared by the cosine, so that no peak alone decides. The smoothing plays the part of the
neighbourhood in R. de Gelder, R. Wehrens and J. A. Hageman, J. Comput. Chem. 22, 273 (2001). The background is found by
SNIP (C. G. Ryan et al., Nucl. Instrum. Methods B 34, 396, 1988).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from xcrystal.crystal.symmetry.orbits import PARAMETERS, free_parameters
from xcrystal.crystal.symmetry.wyckoff import lattice_matrix
from xcrystal.diffraction.measured import MeasuredPattern
from xcrystal.diffraction.powder import angles, lorentz_polarization
from xcrystal.diffraction.reflections import UnitCell, reflections_of
from xcrystal.errors import ReadError

COARSE, FINE = 0.004, 0.0015  # steps of -ln d
WIDTHS = (0.012, 0.006, 0.003)  # of the smoothing, from the first look to the last
_WINDOW = 1.5  # degrees: half of what SNIP takes for background at its widest
_GRID = 0.02  # degrees
_NOISE = 1.5  # standard deviations of it that are taken off
_SPAN = (-3.0, 0.6)  # of -ln d: from 20 Å to 0.55 Å
_PEAKS = 160  # of a crystal that are compared
_DRAWS, _ROUNDS, _KEPT = 48, 5, 8  # of the search for a cell
_LENGTHS, _ANGLES, _ZERO = 0.02, 0.8, 0.08  # its first spread: relative, degrees, degrees of 2θ
_TRUST = 0.03  # relative change of a length that costs as much similarity as `_PRICE`
_PRICE = 0.01
_FREEDOM = 0.004  # what each free parameter of the cell costs: a less symmetric crystal always fits as well


def background(intensity: np.ndarray, half_width: int) -> np.ndarray:
    """The background (n,) beneath peaks in counts (n,) on even steps, by SNIP.

    Parameters
    ----------
    half_width
        In steps: what is narrower than twice that is a peak.
    """
    level = intensity.min()
    values = np.log(np.log(np.sqrt(intensity - level + 1) + 1) + 1)
    for window in range(min(half_width, (len(values) - 1) // 2), 0, -1):
        middle = (values[: -2 * window] + values[2 * window :]) / 2
        values[window:-window] = np.minimum(values[window:-window], middle)
    found: np.ndarray = (np.exp(np.exp(values) - 1) - 1) ** 2 - 1 + level
    return found


@dataclass(frozen=True, eq=False)
class Query:
    """A measured pattern as it is compared.

    Attributes
    ----------
    wavelength
        Å.
    limits
        The range that was measured, degrees of 2θ.
    two_theta, area
        (n,) angles in even steps, and intensities above the background and its noise.
    """

    wavelength: float
    limits: tuple[float, float]
    two_theta: np.ndarray
    area: np.ndarray
    _seen: dict[tuple[float, float], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of(cls, pattern: MeasuredPattern) -> Query:
        """Prepare a pattern: even steps, no background, no noise.

        Raises
        ------
        ReadError
            If what was measured is too little to be compared.
        """
        low, high = max(float(pattern.two_theta[0]), 2.0), float(pattern.two_theta[-1])
        first, last = -np.log(spacing(np.array([low, high]), pattern.wavelength))
        if high - low < 2 * _WINDOW or min(last, _SPAN[1]) - max(first, _SPAN[0]) < 4 * WIDTHS[0]:
            raise ReadError(
                f"{pattern.name} goes from {pattern.two_theta[0]:g} to {high:g} degrees, too little to be compared: "
                f"at least {2 * _WINDOW:g} degrees above 2 are needed, and spacings between 20 and 0.55 Å."
            )
        grid = np.arange(low, high + _GRID / 2, _GRID)
        values = np.interp(grid, pattern.two_theta, pattern.intensity)
        smooth = _smooth(values[None], 2.0)[0]
        above = smooth - background(smooth, round(_WINDOW / _GRID))
        # what neighbouring points differ by is noise; SNIP follows the lower edge of it
        noise = 1.4826 * np.median(np.abs(np.diff(values))) / np.sqrt(2)
        return cls(pattern.wavelength, (low, high), grid, np.maximum(above - _NOISE * noise, 0.0))

    def on_axis(self, step: float, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Square roots (m,) of the smoothed intensities on the axis of -ln d, and (m,) where it was measured."""
        if (step, width) in self._seen:
            return self._seen[step, width]
        edges = axis_edges(step)
        at = -np.log(spacing(self.two_theta, self.wavelength))
        whole = np.concatenate([[0.0], np.cumsum((self.area[1:] + self.area[:-1]) / 2 * np.diff(self.two_theta))])
        gathered = np.diff(np.interp(edges, at, whole))
        middle = (edges[1:] + edges[:-1]) / 2
        measured = (middle >= at[0]) & (middle <= at[-1])
        self._seen[step, width] = np.sqrt(_smooth(gathered[None], width / step)[0]) * measured, measured
        return self._seen[step, width]


def axis_edges(step: float) -> np.ndarray:
    """Edges (m + 1,) of the bins of -ln d."""
    return np.arange(_SPAN[0], _SPAN[1] + step / 2, step)


def spacing(two_theta: np.ndarray, wavelength: float) -> np.ndarray:
    """Spacings (n,), Å, that diffract at angles (n,), degrees."""
    found: np.ndarray = wavelength / (2 * np.sin(np.radians(np.clip(two_theta, 0.1, 179.9) / 2)))
    return found


def _smooth(rows: np.ndarray, width: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    smoothed: np.ndarray = gaussian_filter1d(rows, width, axis=1, mode="nearest", truncate=3.0)
    return smoothed


def curves(
    positions: np.ndarray, areas: np.ndarray, step: float, width: float, part: tuple[int, int] | None = None
) -> np.ndarray:
    """Square roots of smoothed patterns, (p, m) on the axis, or on a part of its bins.

    Parameters
    ----------
    positions, areas
        (p, k) each: -ln d and intensities of the peaks of p patterns.
    """
    begin, end = part or (0, len(axis_edges(step)) - 1)
    count = end - begin
    bins = ((positions - _SPAN[0]) / step).astype(int) - begin
    inside = (bins >= 0) & (bins < count)
    flat = np.where(inside, bins + count * np.arange(len(bins))[:, None], 0)
    gathered = np.bincount(flat.ravel(), np.where(inside, areas, 0.0).ravel(), len(bins) * count)
    return np.sqrt(_smooth(gathered.reshape(len(bins), count), width / step))


def cosines(rows: np.ndarray, wanted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Cosines (p,) between patterns (p, m) and one (m,), where (m,) it was measured."""
    norm = np.sqrt((rows[:, measured] ** 2).sum(axis=1)) * np.linalg.norm(wanted)
    found: np.ndarray = rows @ wanted / np.maximum(norm, 1e-12)
    return found


@dataclass(frozen=True, eq=False)
class Peaks:
    """The strongest peaks of a crystal: ``hkl`` (k, 3), and squared structure ``strength`` (k,) of each family."""

    hkl: np.ndarray
    strength: np.ndarray
    d: np.ndarray

    @classmethod
    def of(cls, cell: UnitCell, query: Query) -> Peaks:
        """Those that matter in the range of a pattern, and a little beyond."""
        smallest = float(spacing(np.array([min(query.limits[1] + 2, 179)]), query.wavelength)[0])
        found = reflections_of(cell, 0.96 * max(smallest, 0.6))
        seen = found.strength * lorentz_polarization(
            angles(np.maximum(found.d, query.wavelength / 1.99), query.wavelength)
        )
        best = np.argsort(-seen)[:_PEAKS]
        return cls(found.hkl[best], found.strength[best], found.d[best])


@dataclass(frozen=True, eq=False)
class Fit:
    """How well a crystal explains a pattern.

    Attributes
    ----------
    similarity
        Cosine, 0 to 1, with the cell and zero that fit best.
    score
        The same, less what the change of the cell and its free parameters cost.
    parameters
        (6,) of that cell, Å and degrees.
    zero
        What the pattern's angles are too large by, degrees.
    """

    similarity: float
    score: float
    parameters: np.ndarray
    zero: float


class CellFit:
    """Changes the free cell parameters of a crystal, and the zero, so that its pattern is as like as possible.

    A cross-entropy search (R. Y. Rubinstein, Methodol. Comput. Appl. Probab. 1, 127, 1999), with ever less smoothing:
    ``run`` it at each of ``WIDTHS`` in turn, for as many crystals as are still worth it.
    """

    def __init__(self, cell: UnitCell, query: Query, seed: int = 0) -> None:
        self.cell, self.query, self.peaks = cell, query, Peaks.of(cell, query)
        self.rng = np.random.default_rng(seed)
        self.free = [PARAMETERS.index(name) for name in free_parameters(cell.group)]
        self.spread = np.array([_LENGTHS if k < 3 else _ANGLES for k in self.free] + [_ZERO])
        self.best = np.zeros(len(self.spread))
        self.score, self.similarity = -1.0, 0.0

    def run(self, width: float) -> float:
        """Search at one width of the smoothing, from the best so far; the score there."""
        step = COARSE if width > 2 * COARSE else FINE
        wanted, measured = self.query.on_axis(step, width)
        mean, spread, self.score = self.best, self.spread, -1.0
        for _ in range(_ROUNDS):
            drawn = mean + spread * self.rng.standard_normal((_DRAWS, len(spread)))
            drawn[0] = self.best
            likeness = _likeness(self.cell, self.peaks, self.query, self.free, drawn, wanted, measured, step, width)
            scores = likeness - _cost(drawn, self.free)
            order = np.argsort(-scores)
            if scores[order[0]] > self.score:
                self.score, self.similarity = float(scores[order[0]]), float(likeness[order[0]])
                self.best = drawn[order[0]]
            elite = drawn[order[:_KEPT]]
            mean, spread = elite.mean(axis=0), np.maximum(elite.std(axis=0), 1e-4)
        narrow = np.array([width / 2 if k < 3 else 40 * width for k in self.free] + [5 * width])
        self.spread = np.maximum(spread, narrow)
        return self.score

    @property
    def fit(self) -> Fit:
        """The best so far."""
        parameters = _changed(self.cell.parameters, self.free, self.best[None])[0]
        return Fit(self.similarity, self.score, parameters, float(self.best[-1]))


def _cost(drawn: np.ndarray, free: list[int]) -> np.ndarray:
    lengths = [place for place, k in enumerate(free) if k < 3]
    found: np.ndarray = _PRICE * ((drawn[:, lengths] / _TRUST) ** 2).mean(axis=1) + _FREEDOM * len(free)
    return found


def _changed(parameters: np.ndarray, free: list[int], changes: np.ndarray) -> np.ndarray:
    """Cells (p, 6) with relative changes of lengths and changes of angles (p, n); what symmetry ties stays tied."""
    cells = np.repeat(parameters[None], len(changes), axis=0)
    for place, k in enumerate(free):
        # all systems whose lengths are bound have them bound to a
        tied = [k, *(j for j in (1, 2) if k == 0 and j not in free)]
        for j in tied:
            cells[:, j] = cells[:, j] * np.exp(changes[:, place]) if k < 3 else cells[:, j] + changes[:, place]
    return cells


def _likeness(
    cell: UnitCell,
    peaks: Peaks,
    query: Query,
    free: list[int],
    drawn: np.ndarray,
    wanted: np.ndarray,
    measured: np.ndarray,
    step: float,
    width: float,
) -> np.ndarray:
    matrices = lattice_matrix(_changed(cell.parameters, free, drawn))
    reciprocal = np.linalg.inv(matrices @ matrices.transpose(0, 2, 1))
    hkl = peaks.hkl.astype(float)
    g2 = np.einsum("kij,pij->pk", hkl[:, :, None] * hkl[:, None, :], reciprocal)
    sine = query.wavelength / 2 * np.sqrt(np.maximum(g2, 1e-9))
    two_theta = np.degrees(2 * np.arcsin(np.minimum(sine, 0.999)))
    areas = peaks.strength * lorentz_polarization(two_theta) * (sine < 0.999)
    seen = two_theta + drawn[:, -1:]
    # only what was measured, and what is smoothed into it
    within, margin = np.flatnonzero(measured), int(3 * width / step) + 1
    part = max(within[0] - margin, 0), min(within[-1] + margin + 1, len(measured))
    rows = curves(-np.log(spacing(seen, query.wavelength)), areas, step, width, part)
    return cosines(rows, wanted[slice(*part)], measured[slice(*part)])
