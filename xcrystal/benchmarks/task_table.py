"""One table for a model: it is trained on every task with a known answer, and its attributions are scored on each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.benchmarks.task_scores import (
    METRIC_WORDS,
    AttributionScores,
    Attributor,
    Predictor,
    score_attributions,
    targets,
)
from xcrystal.benchmarks.toy_crystals import VERSION, examples
from xcrystal.errors import check_one_of
from xcrystal.evaluation.shared.statistics import interval_text
from xcrystal.explanation.known_answers import TASKS
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

Trainer = Callable[["list[Structure]", np.ndarray], tuple[Predictor, Attributor]]
_HEAD = ("task", "measure", "model", "random", "oracle", "beats random", "prediction error", "of a constant")


@dataclass(frozen=True)
class TaskTable(Report):
    """How well a model's attributions follow known answers, task by task.

    Attributes
    ----------
    version
        Of the benchmark.
    tasks
        The report of each task.
    """

    version: str
    tasks: tuple[AttributionScores, ...]

    def table(self) -> str:
        """The figures as lines of text."""
        return f"benchmark version {self.version}\n{columns([_HEAD, *self._rows()])}"

    def to_markdown(self) -> str:
        """The figures as a Markdown table."""
        lines = [_HEAD, ("---",) * len(_HEAD), *self._rows()]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\nBenchmark version {self.version}.\n"

    def save(self, folder: Path) -> None:
        """Write ``results.json`` and ``results.md`` into a folder, each atomically."""
        from xcrystal.model.checkpoint import write_text

        folder.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(self.to_dict(), indent=1) + "\n", folder / "results.json")
        write_text(self.to_markdown(), folder / "results.md")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                one.task,
                METRIC_WORDS[one.metric],
                interval_text(one.model),
                "" if one.random is None else interval_text(one.random),
                interval_text(one.oracle),
                {True: "yes", False: "no", None: ""}[one.beats_random],
                f"{one.prediction_error:.4g}",
                f"{one.trivial_error:.4g}",
            )
            for one in self.tasks
        ]


def score_tasks(
    train: Trainer, tasks: Sequence[str] = (), seed: int = 0, progress: Callable[[str], object] | None = None
) -> TaskTable:
    """Train a model on each task, and compare its attributions with what is known.

    Parameters
    ----------
    train
        Structures, a list, and the target (n,) of each, to a predictor and an attribution as ``score_attributions``
        takes them. Of binary tasks the targets are 0 and 1.
    tasks
        Names of ``xcrystal.explanation.known_answers.TASKS``; all if empty.
    seed
        Of the random rows and the intervals.
    progress
        Told the name of each task that is done.

    Returns
    -------
    TaskTable
        The report: ``.table()``, ``.to_markdown()``, ``.to_dict()`` and ``.save(folder)``.

    Raises
    ------
    TargetError
        If there is no such task, or the scores are not one finite number an atom.
    """
    names = list(tasks) or list(TASKS)
    for name in names:
        check_one_of(name, TASKS, "task")
    structures = [example.structure for example in examples("train")]
    found = []
    for name in names:
        found.append(score_attributions(name, *train(structures, targets(name, "train")), seed))
        if progress is not None:
            progress(name)
    return TaskTable(VERSION, tuple(found))
