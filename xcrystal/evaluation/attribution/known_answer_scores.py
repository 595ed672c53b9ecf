"""Whether attributions are true: how well each method finds the known answers of networks that were trained on them.

Each task takes crystals that can tell: for a binary truth those whose atoms are of both kinds, for a continuous one
those with at least three different values; null tasks take any. A crystal gives one figure for each method, and means
over the crystals are reported. The random row has normal numbers in the place of scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError
from xcrystal.evaluation.attribution.method_scores import RANDOM, methods_with_random, orbit_scores
from xcrystal.evaluation.shared.encoding import prepare, sources_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.evaluation.shared.ranking import auroc, pearson, tau_b, tau_b_ceiling
from xcrystal.evaluation.shared.statistics import bootstrap_interval, interval_text
from xcrystal.explanation.fitted_baseline import has_fitted_element
from xcrystal.explanation.known_answers import TASKS, KnownTask, baseline_parameters, geometry_of
from xcrystal.explanation.task_models import TaskModel, open_task
from xcrystal.reporting import aligned, columns, plain

LIMIT = 300
UNTAUGHT = "baseline not taught"
FITTED = "shapley, fitted element"
_DRAWS = 2000  # of the bootstrap
_LEAST = 20  # crystals that can tell that a method is better than random
_DISTINCT = 3  # values that a continuous truth needs
_FACTS = ("test_error", "trivial_error", "error_unit", "test_r2", "test_auroc")


@dataclass(frozen=True, eq=False)
class Asked:
    """A crystal and the truths about it, by name, each (n,) for one atom of each orbit."""

    crystal: WyckoffCrystal
    truths: dict[str, np.ndarray]


def evaluate_known_answers(
    folders: Sequence[Path],
    data: Path,
    limit: int | None = LIMIT,
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
    workers: int = 1,
) -> dict[str, Any]:
    """Compare every method's scores with the known answers.

    Parameters
    ----------
    folders
        Where ``xcrystal fit-tasks`` put its networks; tasks without one are left out. Networks that were not taught
        what the baseline's sites give are asked as tasks of their own: how well scores come out on them also tells of
        what a network makes of sites that it has never seen, as the shipped model has not.
    data
        A folder with ``val.parquet``, or a table, or a folder of CIF files.
    limit
        Take at most so many crystals for each task, drawn at random among those that can tell.
    seed
        Of everything random.
    progress
        Called with a task's name once it is done.
    workers
        Processes that share the tasks; with 1 everything stays in this one.

    Returns
    -------
    dict
        By task, "NAME" or "NAME (baseline not taught)": "kind", "title", "taught" (whether the network has seen the
        baseline's sites), "test_error", "trivial_error", "error_unit", for a continuous truth "tau_ceiling", and
        "methods" with, by method, "auroc", "tau" and "pearson" (mean and 95 % interval over crystals, or None), "size"
        (mean of the sum of absolute scores by the target's standard deviation; None for binary tasks and random
        numbers), "crystals" and "beats_random" (None for null tasks). Plain JSON types. A second truth has figures
        "tau NAME" and "pearson NAME", with its name.

    Raises
    ------
    DatasetError
        If there are no crystals, no networks, or two of the same kind for a task.
    CheckpointError
        If a network's files are damaged.
    """
    places = [(Path(f), [name for name in TASKS if (Path(f) / f"{name}.json").is_file()]) for f in folders]
    for folder, names in places:
        if not names:
            raise DatasetError(f"{folder} holds no networks of tasks; xcrystal fit-tasks trains them.")
    table = Path(data) / "val.parquet"
    sources = sources_of(table if table.is_file() else data)
    found: dict[str, Any] = {}
    with workers_of(workers) as pool:
        read = pool.map(prepare, sources.crystals, "reading")
        crystals = [pair[1] for pair in read if not isinstance(pair, str)]
        order = np.random.default_rng(seed).permutation(len(crystals))
        crystals = [crystals[i] for i in order]
        if not crystals:
            raise DatasetError(f"No crystal of {data} can be encoded.")
        jobs = [(folder, name, crystals, limit, seed) for folder, names in places for name in names]
        for (folder, name, *_), one in zip(jobs, pool.each(_job, jobs), strict=True):
            called = name if one["taught"] else f"{name} ({UNTAUGHT})"
            if called in found:
                raise DatasetError(f"{folder} holds a second network for the task {called!r}; name one folder only.")
            found[called] = one
            if progress is not None:
                progress(called)
    return found


def _job(job: tuple[Path, str, list[WyckoffCrystal], int | None, int]) -> dict[str, Any]:
    from xcrystal.model.device import one_thread

    folder, name, crystals, limit, seed = job
    with one_thread():
        return evaluate_task(open_task(folder, name), crystals, limit, seed)


def evaluate_task(
    opened: TaskModel, crystals: list[WyckoffCrystal], limit: int | None = LIMIT, seed: int = 0
) -> dict[str, Any]:
    """One task's part of what ``evaluate_known_answers`` returns."""
    task, facts = opened.task, opened.facts
    asked = crystals_that_tell(task, crystals, baseline_parameters(opened.model.facts["elements_seen"]), limit)
    scores = scores_of_methods(opened, [one.crystal for one in asked], seed)
    random = figures(task, asked, scores[RANDOM], facts["target_std"])
    rows = {}
    for method, own in scores.items():
        each = figures(task, asked, own, facts["target_std"])
        row: dict[str, Any] = {"auroc": None, "tau": None, "pearson": None, "size": None}
        for metric, values in each.items():
            if metric == "size" and method == RANDOM:
                continue  # random numbers have no scale
            row[metric] = bootstrap_interval(values, seed=seed, draws=_DRAWS)
        row["crystals"] = len(asked)
        main_metric = _MAIN[task.kind]
        row["beats_random"] = None if main_metric is None else better(each[main_metric], random[main_metric], seed)
        rows[method] = row
    extra: dict[str, Any] = {}
    if task.kind == "continuous":
        main = next(iter(task.truths))
        extra["tau_ceiling"] = float(np.mean([tau_b_ceiling(one.truths[main]) for one in asked])) if asked else None
    known = {key: facts[key] for key in _FACTS if key in facts}
    taught = bool(facts["settings"].get("baseline_sites", 0))
    result: dict[str, Any] = plain(
        {"kind": task.kind, "title": task.title, "taught": taught, **known, **extra, "methods": rows}
    )
    return result


_MAIN = {"binary": "auroc", "continuous": "tau", "null": None}


def crystals_that_tell(
    task: KnownTask, crystals: list[WyckoffCrystal], baseline: np.ndarray, limit: int | None = None
) -> list[Asked]:
    """The first crystals, at most ``limit``, in which atoms differ in truth, with their truths.

    ``baseline`` (2,) holds the parameters of the baseline's element.
    """
    found: list[Asked] = []
    for crystal in crystals:
        if limit is not None and len(found) >= limit:
            break
        geometry = geometry_of(crystal)
        truths = {name: rounded(of(crystal.elements, geometry, baseline)) for name, of in task.truths.items()}
        main = next(iter(truths.values()), np.zeros(0))
        needed = {"binary": 2, "continuous": _DISTINCT, "null": 0}[task.kind]
        if len(np.unique(main)) >= needed:
            found.append(Asked(crystal, truths))
    return found


def rounded(truth: np.ndarray) -> np.ndarray:
    """Drop the last digits of truths (n,), in which orbits of equal truth may differ."""
    return truth if truth.dtype == bool else np.round(truth, 9)


def scores_of_methods(opened: TaskModel, crystals: list[WyckoffCrystal], seed: int = 0) -> dict[str, list[np.ndarray]]:
    """By method, and for random numbers, scores (n,) of each crystal: of one atom of each of its n orbits.

    Of a network that has one, also Shapley values from the baseline "fitted_element".
    """
    from xcrystal.explanation.batches import score_crystals

    found: dict[str, list[np.ndarray]] = {}
    asked: dict[str, tuple[str, str | None]] = {name: (name, None) for name in methods_with_random() if name != RANDOM}
    if has_fitted_element(opened.model):
        asked[FITTED] = ("shapley", "fitted_element")
    for name, (method, baseline) in asked.items():
        values = score_crystals(opened.model, crystals, opened.target, method, "orbits", baseline, seed).values
        found[name] = [own / crystal.multiplicities for own, crystal in zip(values, crystals, strict=True)]
    found[RANDOM] = orbit_scores(opened.model, crystals, opened.target, RANDOM, seed)
    return found


def figures(task: KnownTask, asked: list[Asked], scores: list[np.ndarray], deviation: float) -> dict[str, np.ndarray]:
    """By metric, the figure (B,) of each crystal; NaN where there is none."""
    found: dict[str, list[float]] = {}
    for one, own in zip(asked, scores, strict=True):
        weights = one.crystal.multiplicities
        for place, (name, truth) in enumerate(one.truths.items()):
            if task.kind == "binary":
                found.setdefault("auroc", []).append(auroc(own, truth, weights))
                continue
            suffix = f" {name}" if place else ""
            found.setdefault(f"tau{suffix}", []).append(tau_b(own, truth))
            found.setdefault(f"pearson{suffix}", []).append(pearson(own, truth))
        if task.kind != "binary":
            found.setdefault("size", []).append(float(np.nansum(np.abs(own) * weights) / deviation))
    return {metric: np.array(values) for metric, values in found.items()}


def better(values: np.ndarray, others: np.ndarray, seed: int = 0) -> bool:
    """Whether values (n,) are above others of the same crystals: the interval of the mean difference is above 0."""
    difference = values - others
    if np.isfinite(difference).sum() < _LEAST:
        return False
    low = bootstrap_interval(difference, seed=seed, draws=_DRAWS)[1]
    return bool(low > 0)


def known_answers_table(found: dict[str, Any]) -> str:
    """What ``evaluate_known_answers`` returned, as lines of text."""
    blocks = []
    for name, task in found.items():
        facts = [(f"{name}: {task['title']}", task["kind"])]
        facts.append(("taught what the baseline's sites give", "yes" if task["taught"] else "no"))
        facts.append(("network's test error", f"{task['test_error']:.4f} {task['error_unit']}"))
        facts.append(("error of a constant answer", f"{task['trivial_error']:.4f} {task['error_unit']}"))
        if task.get("tau_ceiling") is not None:
            facts.append(("tau-b of perfect scores", f"{task['tau_ceiling']:.3f}"))
        rows = task["methods"]
        metrics = [m for m in next(iter(rows.values())) if m not in ("crystals", "beats_random")]
        metrics = [m for m in metrics if any(row.get(m) for row in rows.values())]
        lines = [["method", *metrics, "crystals", "beats random"]]
        for method, row in rows.items():
            verdict = {True: "yes", False: "no", None: "-"}[row["beats_random"]]
            lines.append([method, *(_said(row.get(m)) for m in metrics), row["crystals"], verdict])
        blocks.append(aligned(facts) + "\n\n" + columns(lines))
    return "\n\n".join(blocks)


def _said(value: list[float | None] | None) -> str:
    known = [number for number in value or () if number is not None]
    return interval_text(known) if len(known) == 3 else "-"
