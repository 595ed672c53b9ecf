"""What is known of how far explanations can be trusted: the figures of ``explanations.json`` beside a model's weights.

``xcrystal evaluate explanations --save`` writes the file; here it is read, and only for the weights it was measured on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from xcrystal.errors import CheckpointError

if TYPE_CHECKING:
    from xcrystal.wrapping import Explorable

FILE = "explanations.json"
VERSION = 1
RANDOM = "random"
NULL = "null"  # the kind of a task in which nothing matters
METRICS = {"auroc": "AUROC", "tau": "tau-b", "pearson": "Pearson r"}
_MAIN = {"binary": "auroc", "continuous": "tau"}


class Figure(NamedTuple):
    """How a method did on a known-answer task: a metric with its 95 % interval, and the random attribution's value."""

    task: str
    metric: str
    value: float
    low: float
    high: float
    random: float | None
    beats_random: bool


@dataclass(frozen=True)
class Trust:
    """The figures that were measured for one model's explanations.

    Attributes
    ----------
    content
        The whole file; see ``xcrystal.evaluation.attribution.explanation_report``.
    """

    content: dict[str, Any]

    def of(self, method: str) -> list[Figure]:
        """Every figure of a method on the known-answer tasks; empty if it was not tested on any."""
        found = []
        for task, facts in self.content["tasks"].items():
            own, chance = facts["methods"].get(method), facts["methods"].get(RANDOM, {})
            for metric in METRICS if own else ():
                if _known(own, metric):
                    value, low, high = own[metric]
                    beats = bool(own.get("beats_random", False))
                    found.append(
                        Figure(
                            task, metric, value, low, high, chance[metric][0] if _known(chance, metric) else None, beats
                        )
                    )
        return found

    def beats_random(self, method: str) -> bool:
        """Whether a method is significantly better than random scores on every task that has an answer."""
        verdicts = [
            bool(facts["methods"][method].get("beats_random", False))
            for facts in self.content["tasks"].values()
            if facts["kind"] != NULL and method in facts["methods"]
        ]
        return bool(verdicts) and all(verdicts)

    def words(self, method: str) -> str:
        """One sentence: how a method did where the answer is known."""
        figures = [f for f in self.of(method) if f.metric == _MAIN.get(self.content["tasks"][f.task]["kind"])]
        if not figures:
            return "This method was not tested on tasks whose answer is known."
        said = ", ".join(
            f"{METRICS[f.metric]} {f.value:.2f} on {f.task.replace('_', ' ')}{_chance(f.random)}" for f in figures
        )
        how = "Where the answer is known" if self.beats_random(method) else "Not better than random on every task"
        taught = any(self.content["tasks"][f.task].get("taught") for f in figures)
        seen = self.content.get("protocol", {}).get("averaged_sites", 0.0)
        own = f"has seen such sites in {seen:.0%} of its training crystals" if seen else "was not"
        note = f" These networks were taught what the baseline gives, unless it is said; this model {own}."
        return f"{how}: {said}.{note if taught else ''}"


def _known(figures: dict[str, Any], metric: str) -> bool:
    """Whether there is a value with its interval: a metric may not go with a task, or no crystal could tell."""
    return figures.get(metric) is not None and None not in figures[metric]


def _chance(value: float | None) -> str:
    return "" if value is None else f" (random {round(value, 2) + 0:.2f})"  # never -0.00


def load_trust(model: Explorable) -> Trust | None:
    """What was measured for a model; None if nothing was.

    Raises
    ------
    CheckpointError
        If the file is damaged, of another version, or was measured on other weights.
    """
    from xcrystal.generator import model_folder

    try:
        folder = model_folder(model.name)
    except CheckpointError:  # a model that was made in this session and is nowhere on disk
        return None
    return read_trust(folder)


def read_trust(folder: Path) -> Trust | None:
    """As ``load_trust``, of a model's folder."""
    from xcrystal.model.digests import weights_digest

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise CheckpointError(f"{path} is of version {content['version']}, not {VERSION}; measure anew.")
        _check(content)
        measured_on = str(content["weights"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"The figures of explanations in {path} cannot be read: {error!r}") from error
    if measured_on != weights_digest(folder):
        raise CheckpointError(
            f"{path} was measured on other weights; measure anew with xcrystal evaluate explanations, or remove it."
        )
    return Trust(content)


def _check(content: dict[str, Any]) -> None:
    """Raise KeyError, TypeError or ValueError where the tasks are not as ``Trust`` needs them."""
    for task, facts in content["tasks"].items():
        if not isinstance(facts["kind"], str):
            raise TypeError(f"the task {task!r} has no kind")
        for method, figures in facts["methods"].items():
            for metric in METRICS:
                triple = figures.get(metric)
                numbers = triple is None or all(v is None or isinstance(v, (int, float)) for v in triple)
                if triple is not None and not (numbers and len(triple) == 3):
                    raise ValueError(f"{metric} of {method!r} on {task!r} is no value with its interval")
