"""How far explanations can be trusted: everything that is measured of them, in one report beside the model's weights.

Known answers, faithfulness, completeness, sanity, invariance and speed; the parts are in modules of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import DatasetError, check_one_of
from xcrystal.evaluation.attribution.attribution_invariance import evaluate_attribution_invariance
from xcrystal.evaluation.attribution.attribution_speed import evaluate_attribution_speed
from xcrystal.evaluation.attribution.completeness import evaluate_completeness
from xcrystal.evaluation.attribution.faithfulness import evaluate_faithfulness
from xcrystal.evaluation.attribution.weight_randomization import evaluate_sanity
from xcrystal.evaluation.shared.encoding import Encodable, encodable_of, sources_of
from xcrystal.evaluation.shared.parallel import workers_of
from xcrystal.explanation.trust import FILE, VERSION, read_trust
from xcrystal.reporting import Report, plain

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel

CRYSTALS = {"faithfulness": 200, "completeness": 500, "sanity": 50, "invariance": 100, "speed": 20}
_TITLES = {
    "faithfulness": "Faithfulness",
    "completeness": "Completeness",
    "sanity": "Sanity: cascading randomisation of weights",
    "invariance": "Invariance",
    "speed": "Speed",
}


@dataclass(frozen=True)
class ExplanationsReport(Report):
    """What was measured.

    Attributes
    ----------
    weights
        Digest of the weights that it was measured on.
    protocol
        Target, seed, crystals, and what was left out.
    tasks
        Known answers by task, see ``xcrystal.evaluation.attribution.known_answer_scores``; empty if not measured.
    parts
        "faithfulness", "completeness", "sanity", "invariance" and "speed", as plain JSON types.
    texts
        The same parts, and "tasks", as lines of text.
    """

    weights: str
    protocol: dict[str, Any]
    tasks: dict[str, Any]
    parts: dict[str, Any]
    texts: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """What ``explanations.json`` holds."""
        head = {"version": VERSION, "weights": self.weights, "protocol": self.protocol, "tasks": self.tasks}
        found: dict[str, Any] = plain(head | self.parts)
        return found

    def table(self) -> str:
        """Every part as lines of text, below its title."""
        titles = {"tasks": "Known answers"} | _TITLES
        return "\n\n".join(f"{titles[name]}\n{text}" for name, text in self.texts.items())

    def save(self, folder: Path) -> None:
        """Write ``explanations.json`` beside the weights, atomically.

        Where parts are missing, those that were kept for the same weights stay, and so do tasks of other names.

        Raises
        ------
        DatasetError
            If parts are missing, and nothing was kept for these weights.
        """
        from xcrystal.model.checkpoint import write_text

        content = self.to_dict()
        if missing := [part for part in CRYSTALS if part not in self.parts]:
            kept = read_trust(folder)
            if kept is None or kept.content["weights"] != self.weights:
                raise DatasetError(
                    f"{folder} holds no report of these weights to add to: measure {', '.join(missing)} too."
                )
            content = kept.content | {name: content[name] for name in self.parts}
            content["tasks"] = kept.content["tasks"] | self.tasks
        write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", folder / FILE)


def evaluate_explanations(
    model: CrystalModel,
    data: Path,
    tasks: Sequence[Path] = (),
    target: str = "formation_energy_per_atom",
    limit: int | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[str], object] | None = None,
    only: Sequence[str] = (),
) -> ExplanationsReport:
    """Measure the explanations of a model on crystals that it did not learn from.

    Speed is timed first and by itself; the other parts then share the processes.

    Parameters
    ----------
    model
        One that was loaded by name or from a folder.
    data
        A folder with ``val.parquet``, or a table.
    tasks
        Folders of the networks of the known-answer tasks; without one that part is left out.
    target
        The property that is explained.
    limit
        Use at most so many crystals for each part.
    seed
        Of everything random.
    workers
        Processes that share the work.
    progress
        Told what is done next.
    only
        The parts to measure, of "tasks", "faithfulness", "completeness", "sanity", "invariance" and "speed"; all if
        empty.

    Raises
    ------
    DatasetError
        If the crystals or the networks cannot be read.
    TargetError
        If the model does not predict the target, or there is no such part.
    """
    from xcrystal.explanation.targets import target_of
    from xcrystal.generator import model_folder
    from xcrystal.model.digests import weights_digest

    target_of(model, target)
    for part in only:
        check_one_of(part, ("tasks", *CRYSTALS), "part")
    wanted = [part for part in CRYSTALS if not only or part in only]
    say = progress or (lambda _: None)
    table = Path(data) / "val.parquet"
    sources = sources_of(table if table.is_file() else Path(data))
    counts = {name: count if limit is None else min(limit, count) for name, count in CRYSTALS.items()}
    with workers_of(workers) as pool:
        say("reading")
        # some have too few or too many orbits for a part, so more are read than any part uses
        found = encodable_of(sources.at_random(2 * max(counts.values()), seed), pool, model.limits)
        order = np.random.default_rng(seed).permutation(len(found.crystals))
        found = Encodable(
            found.places[order],
            [found.structures[i] for i in order],
            [found.crystals[i] for i in order],
            found.not_encoded,
        )
        parts: dict[str, Report] = {}
        if "speed" in wanted:
            say("speed")
            parts["speed"] = evaluate_attribution_speed(
                model, found.structures, found.crystals, target, counts["speed"]
            )
        shared = [part for part in wanted if part != "speed"]
        say(", ".join(shared))
        jobs = [(part, model.name, str(model.device), found, target, counts[part], seed) for part in shared]
        parts = dict(zip(shared, pool.each(_measure, jobs), strict=True)) | parts
    answers: dict[str, Any] = {}
    texts: dict[str, str] = {"tasks": "Not measured: give --tasks with the folder that xcrystal fit-tasks has filled."}
    if tasks and (not only or "tasks" in only):
        from xcrystal.evaluation.attribution.known_answer_scores import (
            LIMIT,
            evaluate_known_answers,
            known_answers_table,
        )

        say("known answers")
        answers = evaluate_known_answers(tasks, data, limit or LIMIT, seed, say, workers)
        texts["tasks"] = known_answers_table(answers)
    protocol = {
        "target": target,
        "seed": seed,
        "crystals": len(found.crystals),
        "not encoded": len(found.not_encoded),
        "baseline": "mean_element",
        "limit": limit,
        "averaged_sites": model.facts.get("recipe", {}).get("augmentation", {}).get("averaged", 0.0),
    }
    return ExplanationsReport(
        weights_digest(model_folder(model.name)),
        protocol,
        answers,
        {name: report.to_dict() for name, report in parts.items()},
        texts | {name: report.table() for name, report in parts.items()},
    )


def _measure(job: tuple[str, str, str, Encodable, str, int, int]) -> Any:
    from xcrystal.generator import open_model
    from xcrystal.model.device import one_thread

    name, opened, device, found, target, count, seed = job
    model = open_model(opened, device)
    with one_thread():
        if name == "faithfulness":
            return evaluate_faithfulness(model, found.crystals, target, count, seed)
        if name == "completeness":
            return evaluate_completeness(model, found.crystals[:count], target, seed=seed)
        if name == "sanity":
            return evaluate_sanity(model, found.crystals, target, n=count, seed=seed)
        return evaluate_attribution_invariance(model, found.structures[:count], target, seed=seed)
