"""Attributions of a model that was trained on a task with a known answer, held against the answer.

A task gives numbers for crystals (``targets``), and one trains a model on them with whatever means. Then its
attributions of the test crystals are compared with the share that each atom truly has, beside random scores and the
truth itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.benchmarks.toy_crystals import VERSION, Example, Split, examples
from xcrystal.errors import TargetError, check_one_of
from xcrystal.evaluation.attribution.known_answer_scores import better, crystals_that_tell, figures
from xcrystal.evaluation.shared.ranking import auroc
from xcrystal.evaluation.shared.statistics import Interval, bootstrap_interval, interval_text
from xcrystal.explanation.known_answers import TASKS, KnownTask, baseline_parameters, geometry_of
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

_DRAWS = 20  # of random scores: one alone is off by much where few crystals can tell
METRICS = {"binary": "auroc", "continuous": "tau", "null": "size"}
METRIC_WORDS = {"auroc": "AUROC", "tau": "tau-b", "size": "sum of absolute scores / standard deviation"}

Predictor = Callable[["Structure"], float]
Attributor = Callable[["Structure"], np.ndarray]


@dataclass(frozen=True)
class AttributionScores(Report):
    """How well attributions follow a known answer.

    Attributes
    ----------
    version, task, title, kind
        Of the benchmark, and what was asked.
    metric
        "auroc" of binary tasks; "tau", Kendall's tau-b, of continuous ones; "size" of tasks in which no atom matters,
        the sum of the absolute scores by the target's standard deviation, which should be 0.
    model, random, oracle
        Its mean over crystals with a 95 % bootstrap interval, for the model's scores, for random ones (each crystal's
        mean of 20 draws), and for the truth; of null tasks the random row is None, since random numbers have no scale.
    beats_random
        Whether the model's is above the random one's at 95 %; None of null tasks.
    crystals
        How many test crystals could tell.
    prediction_error, trivial_error
        Of the predictor on all test crystals, and of the best constant: mean absolute errors, or of binary tasks 1 -
        AUROC. Attributions of a model that predicts no better than a constant say nothing of the method.
    """

    version: str
    task: str
    title: str
    kind: str
    metric: str
    model: Interval
    random: Interval | None
    oracle: Interval
    beats_random: bool | None
    crystals: int
    prediction_error: float
    trivial_error: float

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [("", METRIC_WORDS[self.metric]), *((name, interval_text(own)) for name, own in self._rows())]
        head = f"{self.task}: {self.title}; benchmark version {self.version}, {self.crystals} crystals"
        error = f"prediction error {self.prediction_error:.4g}, of a constant {self.trivial_error:.4g}"
        return f"{head}\n{columns(rows)}\n{error}"

    def to_markdown(self) -> str:
        """The figures as a Markdown table."""
        rows = "\n".join(f"| {name} | {interval_text(own)} |" for name, own in self._rows())
        head = f"| {self.task} (version {self.version}, {self.crystals} crystals) | {METRIC_WORDS[self.metric]} |"
        return f"{head}\n|---|---|\n{rows}\n"

    def _rows(self) -> list[tuple[str, Interval]]:
        rows = (("model", self.model), ("random", self.random), ("oracle", self.oracle))
        return [(name, own) for name, own in rows if own is not None]


def targets(task: str, split: Split = "train") -> np.ndarray:
    """(B,) the number that a task gives each crystal of ``examples(split)``, to train on.

    Of binary tasks 0 or 1; of the task "noise" random numbers that are the same each time.

    Raises
    ------
    TargetError
        If there is no such task or split.
    """
    known, crystals = _task(task), examples(split)
    if known.value is None:
        return np.random.default_rng(len(split)).standard_normal(len(crystals))
    baseline = baseline_parameters({})
    return np.array([known.value(e.crystal.elements, geometry_of(e.crystal), baseline) for e in crystals])


def score_attributions(task: str, predict: Predictor, attribute: Attributor, seed: int = 0) -> AttributionScores:
    """Compare a model's attributions of the test crystals with what is known.

    Parameters
    ----------
    task
        One of ``xcrystal.explanation.known_answers.TASKS``.
    predict
        A Structure to the target: the model, trained on ``targets(task)``. Of a binary task any number that grows with
        its probability.
    attribute
        A Structure of n atoms to the scores (n,) of its atoms.
    seed
        Of the random row and the intervals.

    Returns
    -------
    AttributionScores
        The report: ``.table()``, ``.to_dict()`` and ``.to_markdown()``.

    Raises
    ------
    TargetError
        If there is no such task, or the scores are not one finite number an atom.
    """
    known, crystals, truth = _task(task), examples("test"), targets(task, "test")
    found = np.array([float(predict(example.structure)) for example in crystals])
    by_crystal = {id(example.crystal): example for example in crystals}
    asked = crystals_that_tell(known, [example.crystal for example in crystals], baseline_parameters({}))
    own = [_by_orbit(by_crystal[id(one.crystal)], attribute) for one in asked]
    rng = np.random.default_rng(seed)
    first = [next(iter(one.truths.values()), np.zeros(len(one.crystal.elements))) for one in asked]
    deviation = float(max(truth.std(), 1e-12))
    metric = METRICS[known.kind]

    def figure(scores: list[np.ndarray]) -> np.ndarray:
        return figures(known, asked, scores, deviation)[metric]

    chance = [figure([rng.standard_normal(len(scores)) for scores in own]) for _ in range(_DRAWS)]
    each = {
        "model": figure(own),
        "random": np.mean(chance, axis=0),
        "oracle": figure([np.asarray(t, float) for t in first]),
    }
    null = known.kind == "null"
    binary = known.kind == "binary"
    return AttributionScores(
        version=VERSION,
        task=task,
        title=known.title,
        kind=known.kind,
        metric=metric,
        model=bootstrap_interval(each["model"], seed=seed),
        random=None if null else bootstrap_interval(each["random"], seed=seed),
        oracle=bootstrap_interval(each["oracle"], seed=seed),
        beats_random=None if null else better(each["model"], each["random"], seed),
        crystals=len(asked),
        prediction_error=1 - auroc(found, truth > 0.5) if binary else float(np.abs(found - truth).mean()),
        trivial_error=0.5 if binary else float(np.abs(truth - np.median(truth)).mean()),
    )


def _task(name: str) -> KnownTask:
    check_one_of(name, TASKS, "task")
    return TASKS[name]


def _by_orbit(example: Example, attribute: Attributor) -> np.ndarray:
    """(n,) mean score of one atom of each orbit."""
    return mean_by_orbit(scores_of(example.structure, attribute), example.structure)


def scores_of(structure: Structure, attribute: Attributor) -> np.ndarray:
    """(n_atoms,) what a method of attribution says of a structure's atoms.

    Raises
    ------
    TargetError
        If it is not one finite number an atom.
    """
    scores = np.asarray(attribute(structure), dtype=float)
    if scores.shape != (len(structure),) or not np.isfinite(scores).all():
        raise TargetError(
            f"An attribution of {structure.composition.reduced_formula} has to be {len(structure)} finite numbers, one "
            f"for each atom; this one has shape {scores.shape}."
        )
    return scores


def mean_by_orbit(scores: np.ndarray, structure: Structure) -> np.ndarray:
    """(n,) means over each orbit's atoms of scores (n_atoms,)."""
    orbit = np.array(structure.site_properties["orbit"])
    # in their last digits equal scores may differ
    return np.asarray(np.round(np.bincount(orbit, scores) / np.bincount(orbit), 12))
