"""A task with a known answer that a class can train in seconds: the mean electronegativity of idealized perovskites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.known_answers import TASKS, baseline_parameters, geometry_of
from xcrystal.explanation.task_models import TaskModel, task_model
from xcrystal.generator import CrystalModel
from xcrystal.training.perovskites import idealized_crystals
from xcrystal.training.task_data import TaskData
from xcrystal.training.task_fit import TaskSettings, task_errors, train_task

TASK = "electronegativity"
_HELD_OUT = 40


@dataclass(frozen=True, eq=False)
class LessonTask:
    """A network that was trained in class, and crystals that it never saw.

    Attributes
    ----------
    trained
        The network; its ``facts`` hold ``test_error`` and that of a constant answer, ``trivial_error``.
    crystals, truths
        Unseen crystals, and of each the true share (n,) of its orbits in the target, compared with the mean element.
    losses
        (S,) of each step.
    """

    trained: TaskModel
    crystals: Sequence[WyckoffCrystal]
    truths: list[np.ndarray]
    losses: list[float]

    def scores(self, method: str) -> list[np.ndarray]:
        """What a method of attribution says of each unseen crystal: (n,) for its orbits."""
        return score_crystals(self.trained.model, self.crystals, self.trained.target, method).values


def train_in_class(model: CrystalModel, epochs: int = 40, seed: int = 0) -> LessonTask:
    """Train a network on the task, beginning with a small model's encoder; with 0 epochs only its head is random."""
    from xcrystal.model.device import one_thread

    task, crystals = TASKS[TASK], idealized_crystals()
    order = np.random.default_rng(seed).permutation(len(crystals))
    unseen, seen = ([crystals[k] for k in part] for part in (order[:_HELD_OUT], order[_HELD_OUT:]))
    with one_thread():  # the network is so small that threads would only wait for each other
        train, test = TaskData(model, seen), TaskData(model, unseen)
        network, losses = train_task(task, model, train, TaskSettings(epochs=epochs, learning_rate=2e-3), seed)
        errors = task_errors(task, network, test, train.targets(task, seed), seed)
    facts = {"elements_seen": train.elements_seen} | errors
    baseline = baseline_parameters(train.elements_seen)
    truth = task.truths["contribution"]
    truths = [truth(np.asarray(c.elements), geometry_of(c), baseline) * c.multiplicities for c in unseen]
    return LessonTask(task_model(task, network, facts, model.device), unseen, truths, losses)
