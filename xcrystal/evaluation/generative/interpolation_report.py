"""What lies between crystals: the figures of ``xcrystal evaluate interpolation``.

Nobody has published a measure of how smooth a latent space of crystals is; this is ours. Between the codes of two
crystals lie ``steps`` frames, both ends included, on a straight and on a spherical path and, if the model has a learned
prior, on a flow path (``xcrystal.latent.paths``). Each frame is decoded as users see it (``CrystalModel.decode``), none
left out. Asked is, of the frames,

- whether they are possible at all: no contact shorter than 0.7 of the sum of the covalent radii (Cordero et al., Dalton
  Trans. 2008, 2832), periodic images included. "All frames" counts the ends, which are reconstructions and so flatter a
  path; "inner frames" leaves them out; the share is also given by place on the path. Frames of one path are alike, so
  the 95 % intervals come from a bootstrap that draws whole paths. The decoder itself looks for a crystal without
  overlaps where the most probable one has some: how often it took another is told, and ``effort="fast"`` forbids it;
- how many crystals a path crosses: 1 + the number of steps at which a frame and the next do not match (pymatgen's
  StructureMatcher, stol 0.5, ltol 0.3, angle_tol 10, volumes rescaled; another reduced formula never matches). The best
  possible is 2 where the ends differ; ``steps`` where no two neighbours are alike. Beside it, at which share of the
  steps the reduced formula, and the space group that spglib finds (symprec 0.1 Å; mirror images are one), change;
- how far the predicted formation energy jumps from a frame to the next. The difference between the ends divided by the
  number of steps is the smoothest possible value: no path has a smaller mean. The energy of a latent vector is smooth
  by nature, so that of the crystal which it decodes to, encoded again, stands beside it;
- whether what is seen is what was asked for. The detour of a frame is the distance from its latent vector to the code
  of its decoded crystal, in units of the distance between the two ends: 0 if decoding and encoding agree, 1 if it is as
  far away as one end is from the other. At the ends it is the error of a reconstruction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.contacts import SHORT_CONTACT
from xcrystal.errors import DatasetError
from xcrystal.evaluation.generative.path_frames import Paths, measure_paths
from xcrystal.evaluation.shared.encoding import encodable_of, sources_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.evaluation.shared.statistics import bootstrap_interval
from xcrystal.latent.paths import kinds_for
from xcrystal.reporting import Report, aligned, not_encoded_rows, share_text

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel

_DRAWS = 2000


@dataclass(frozen=True)
class PathFigures:
    """The figures of all paths of one kind; energies in eV/atom, detours in distances between the ends.

    Attributes
    ----------
    chosen
        Share of frames for which the decoder took another than the most probable crystal.
    overlap_free, overlap_free_interval, overlap_free_inner, overlap_free_inner_interval
        Share of frames, and of those between the ends, without a contact below 0.7, and 95 % intervals.
    overlap_free_at
        (S,) the share by place on the path.
    crystals_crossed
        Mean over the paths.
    composition_changes, space_group_changes
        Share of the steps.
    energy_jump, energy_jump_again, energy_jump_smoothest
        Mean, median and 95th percentile of the absolute differences: between neighbouring frames, between the crystals
        that these decode to, and between the ends divided by the number of steps.
    detour, detour_at_ends
        Mean, median and 95th percentile over the inner frames, and over the ends.
    encoded_again
        Share of frames whose decoded structure can be encoded, as for detours it must.
    """

    chosen: float
    overlap_free: float
    overlap_free_interval: tuple[float, float]
    overlap_free_inner: float
    overlap_free_inner_interval: tuple[float, float]
    overlap_free_at: tuple[float, ...]
    crystals_crossed: float
    composition_changes: float
    space_group_changes: float
    energy_jump: tuple[float, float, float]
    energy_jump_again: tuple[float, float, float]
    energy_jump_smoothest: tuple[float, float, float]
    detour: tuple[float, float, float]
    detour_at_ends: tuple[float, float, float]
    encoded_again: float


@dataclass(frozen=True)
class InterpolationReport(Report):
    """Paths of each kind between the same pairs of crystals.

    Attributes
    ----------
    paths, steps
        Number of pairs, and of frames between each, ends included.
    kinds
        The figures by kind of path.
    better
        The kind with more inner frames free of overlaps.
    not_encoded
        Why, for each crystal that could not be encoded; its pairs are left out.
    """

    paths: int
    steps: int
    kinds: dict[str, PathFigures]
    better: str
    not_encoded: dict[str, str]

    def table(self) -> str:
        """The figures as lines of text, the kinds side by side."""
        columns = {kind: dict(_rows(figures)) for kind, figures in self.kinds.items()}
        names = list(next(iter(columns.values())))
        body = [tuple(f"{column[name]:<30}" for column in columns.values()) for name in names]
        rows = [
            ("paths", f"{self.paths} of {self.steps} frames"),
            ("crystals that could not be encoded", f"{len(self.not_encoded)}"),
            ("", "  ".join(f"{kind:<30}" for kind in columns).rstrip()),
            *((name, "  ".join(cells).rstrip()) for name, cells in zip(names, body, strict=True)),
            ("better", self.better),
        ]
        rows += not_encoded_rows(self.not_encoded)
        return aligned(rows)


def evaluate_interpolation(
    model: CrystalModel,
    source: Any,
    paths: int = 100,
    steps: int = 16,
    seed: int = 0,
    workers: int = 1,
    effort: str = "normal",
) -> InterpolationReport:
    """Walk between random pairs of crystals, on paths of each kind, and measure what lies there.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.
    source
        The path of a table (a parquet file; see ``xcrystal.crystal.collections.tables``) or of a folder of CIF files,
        or a list of Structures.
    paths
        How many pairs; all there are, if there are fewer. No crystal is in two pairs where there are enough crystals.
    steps
        Frames of each path, ends included.
    seed
        Of the pairs and of the bootstrap.
    workers
        Processes that look at structures; with 1 everything stays in this one.
    effort
        As for ``CrystalModel.decode``.

    Raises
    ------
    DatasetError
        If the source cannot be read, or fewer than two crystals can be encoded.
    InvalidCrystalError
        If there are fewer than 2 steps.
    """
    sources = sources_of(source)
    pairs = random_pairs(len(sources.names), paths, np.random.default_rng(seed))
    used = np.unique(pairs)
    with workers_of(workers) as pool:
        found = encodable_of(sources.take(used), pool, model.limits)
        z = dict(zip(used[found.places].tolist(), found.codes(model), strict=True))
        pairs = np.array([pair for pair in pairs.tolist() if pair[0] in z and pair[1] in z])
        not_encoded = sources.unreadable | found.not_encoded
        if not len(pairs):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in not_encoded.items())
            raise DatasetError(f"A path needs two crystals that can be encoded. {reasons}")
        starts, ends = (np.stack([z[i] for i in column]) for column in pairs.T)
        measured = (measure_paths(model, starts, ends, steps, kind, pool, effort) for kind in kinds_for(model))
        kinds = {paths.kind: path_figures(paths, seed) for paths in measured}
    better = max(kinds, key=lambda kind: kinds[kind].overlap_free_inner)
    return InterpolationReport(len(pairs), steps, kinds, better, not_encoded)


def random_pairs(count: int, pairs: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 2) different pairs of ``count`` things; each thing in at most one pair where there are enough."""
    if 2 * pairs <= count:
        return rng.permutation(count)[: 2 * pairs].reshape(-1, 2)
    if 4 * pairs >= count * (count - 1) // 2:  # so many of all that drawing would hit most of them twice
        every = np.array(list(combinations(range(count), 2)), dtype=int).reshape(-1, 2)
        return every[rng.permutation(len(every))[:pairs]]
    found: dict[tuple[int, int], None] = {}
    while len(found) < pairs:
        one, other = sorted(rng.choice(count, 2, replace=False).tolist())
        found[one, other] = None
    return np.array(list(found))


def path_figures(paths: Paths, seed: int = 0) -> PathFigures:
    """The figures of measured paths; ``seed`` is that of the bootstrap."""
    free = paths.contacts >= SHORT_CONTACT
    inner = free[:, 1:-1]
    smoothest = np.abs(paths.energies[:, -1] - paths.energies[:, 0]) / (paths.energies.shape[1] - 1)
    return PathFigures(
        chosen=float(paths.chosen.mean()),
        overlap_free=float(free.mean()),
        overlap_free_interval=_mean_interval(free, seed),
        overlap_free_inner=float(inner.mean()) if inner.size else math.nan,
        overlap_free_inner_interval=_mean_interval(inner, seed),
        overlap_free_at=tuple(free.mean(axis=0).tolist()),
        crystals_crossed=float(1 + (~paths.alike).sum(axis=1).mean()),
        composition_changes=float((paths.formulas[:, 1:] != paths.formulas[:, :-1]).mean()),
        space_group_changes=float((paths.space_groups[:, 1:] != paths.space_groups[:, :-1]).mean()),
        energy_jump=_mean_median_tail(np.abs(np.diff(paths.energies, axis=1))),
        energy_jump_again=_mean_median_tail(np.abs(np.diff(paths.energies_again, axis=1))),
        energy_jump_smoothest=_mean_median_tail(smoothest),
        detour=_mean_median_tail(paths.detours[:, 1:-1]),
        detour_at_ends=_mean_median_tail(paths.detours[:, [0, -1]]),
        encoded_again=float(np.isfinite(paths.energies_again).mean()),
    )


def _mean_interval(frames: np.ndarray, seed: int) -> tuple[float, float]:
    """The 95 % interval of the mean of frames (paths, n), of which whole paths are drawn; NaN if there are none."""
    means = frames.mean(axis=1) if frames.size else np.empty(0)
    _, low, high = bootstrap_interval(means, seed=seed, draws=_DRAWS)
    return low, high


def _mean_median_tail(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, median and 95th percentile of the finite values; NaN if there are none."""
    known = values[np.isfinite(values)]
    if not known.size:
        return math.nan, math.nan, math.nan
    return float(known.mean()), float(np.median(known)), float(np.quantile(known, 0.95))


def _rows(figures: PathFigures) -> list[tuple[str, str]]:
    def three(values: tuple[float, float, float], unit: str = "") -> str:
        return ", ".join(f"{value:.3f}" for value in values) + unit

    # a path may be walked from either end
    at = np.array(figures.overlap_free_at)
    folded = ((at + at[::-1]) / 2)[: (len(at) + 1) // 2]
    places = ["at the ends", *(f"frame {i + 1} from an end" for i in range(1, len(folded)))]
    return [
        ("free of overlaps, all frames", share_text(figures.overlap_free, figures.overlap_free_interval)),
        ("free of overlaps, inner frames", share_text(figures.overlap_free_inner, figures.overlap_free_inner_interval)),
        *((f"  {place}", f"{value:.1%}") for place, value in zip(places, folded, strict=True)),
        ("frames not the most probable crystal", f"{figures.chosen:.1%}"),
        ("crystals that a path crosses, mean", f"{figures.crystals_crossed:.1f}"),
        ("steps that change the composition", f"{figures.composition_changes:.1%}"),
        ("steps that change the space group", f"{figures.space_group_changes:.1%}"),
        ("energy jumps: mean, median, 95th percentile", three(figures.energy_jump, " eV/atom")),
        ("  of the decoded crystals", three(figures.energy_jump_again, " eV/atom")),
        ("  smoothest possible", three(figures.energy_jump_smoothest, " eV/atom")),
        ("detours inside: mean, median, 95th percentile", three(figures.detour)),
        ("  of the ends", three(figures.detour_at_ends)),
        ("frames that can be encoded again", f"{figures.encoded_again:.1%}"),
    ]
