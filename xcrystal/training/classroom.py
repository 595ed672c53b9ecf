"""The finished run that lessons compare their own with: idealized perovskites, ten minutes, and other weights of KL.

``python -m xcrystal.training.classroom FOLDER`` makes it (a quarter of an hour on one core; what was interrupted goes
on) and puts what lessons need into the package as the model "toy". It learns from nothing but our own toy crystals.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xcrystal.generator import BUNDLED, open_model
from xcrystal.model.checkpoint import write_text
from xcrystal.model.loss import LossWeights
from xcrystal.training.curves import read_metrics
from xcrystal.training.loop import Training
from xcrystal.training.perovskites import write_idealized_perovskites
from xcrystal.training.recipes import RecipeRun, open_run, recipe_of

NAME = "toy"
MINUTES = 10.0
KL_WEIGHTS = (0.0, 0.03, 0.3, 3.0)
STEPS = 500  # of each run of the comparison: as many as half a minute has on a computer that does nothing else
DRAWS = 200  # of the prior
_RECORDS = 150  # of the curves that are kept, beside the scored ones


def folder_of(name: str = NAME) -> Path:
    """Where the finished run lies: a model's folder with ``metrics.jsonl``, ``regularisation.json`` and crystals."""
    return BUNDLED / name


def regularisation() -> list[dict[str, float]]:
    """What the comparison of KL weights found, a row a weight.

    Returns
    -------
    list of dict
        ``kl_weight``; ``kl`` (nats a crystal, mean over validation crystals); ``match_rate`` of unseen compositions;
        ``deviation`` (mean of the posterior's standard deviations); ``family``: share of draws from the standard normal
        that decode to a perovskite ABX3 without overlapping atoms whose charges balance; ``draws``.
    """
    found: list[dict[str, float]] = json.loads((folder_of() / "regularisation.json").read_text(encoding="utf-8"))
    return found


def train_finished(work: Path, seed: int = 0) -> RecipeRun:
    """The run of ten minutes in ``work/finished``, from the beginning or from where it was."""
    data, out = _data(work), work / "finished"
    run = open_run("toy", data, out, MINUTES, seed, "cpu", (out / "checkpoint.json").exists())
    run.train()
    run.result()
    return run


def compare_weights(work: Path, seed: int = 0) -> list[dict[str, float]]:
    """Short runs that differ in the weight of KL alone; see ``regularisation``."""
    rows = []
    for weight in KL_WEIGHTS:
        out = work / f"kl-{weight}"
        if not (out / "row.json").is_file():
            shutil.rmtree(out, ignore_errors=True)
            plain = open_run("toy", _data(work), out, None, seed, "cpu")
            recipe = replace(recipe_of("toy"), weights=LossWeights(kl=weight), steps=STEPS)
            training = Training(recipe, plain.training.sampler.tokens, out, seed, "cpu")
            run = RecipeRun(training, plain.score, plain.validation, plain.tokens)
            run.train()
            write_text(json.dumps(_row(weight, run, seed)) + "\n", out / "row.json")
        rows.append(json.loads((out / "row.json").read_text(encoding="utf-8")))
    return rows


def publish(run: RecipeRun, rows: list[dict[str, float]], out: Path) -> None:
    """Put weights, thinned curves, result and comparison into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("weights.safetensors", "config.json"):
        shutil.copyfile(run.out / "best" / name, out / name)
    shutil.copyfile(run.out / "result.json", out / "result.json")
    shutil.copyfile(run.validation, out / "unseen.parquet")
    records = read_metrics(run.out)
    kept = set(np.linspace(0, len(records) - 1, _RECORDS).astype(int).tolist())
    lines = [json.dumps(r) for i, r in enumerate(records) if i in kept or "match_rate" in r]
    write_text("\n".join(lines) + "\n", out / "metrics.jsonl")
    write_text(json.dumps(rows, indent=1) + "\n", out / "regularisation.json")


def _data(work: Path) -> Path:
    if not (work / "data/train.parquet").is_file():
        write_idealized_perovskites(work / "data")
    return work / "data"


def _row(weight: float, run: RecipeRun, seed: int) -> dict[str, Any]:
    from xcrystal.assessment.validity import validity
    from xcrystal.crystal.collections.tables import read_table, structures

    scores = run.result()
    model = open_model(run.out / "best")
    mean, std = model.posterior(list(structures(read_table(run.validation))))
    kl = 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std)).sum(axis=1)
    # the standard normal, since that is what KL pulls latent vectors to, and most probable crystals, so that nothing is
    # mended
    drawn = model.decode(np.random.default_rng(seed).standard_normal((DRAWS, model.latent_dim)), effort="fast")
    family = [s.composition.anonymized_formula == "ABC3" and validity(s).valid for s in drawn]
    return {
        "kl_weight": weight,
        "kl": round(float(kl.mean()), 2),
        "match_rate": scores["match_rate"],
        "deviation": round(float(std.mean()), 3),
        "family": float(np.mean(family)),
        "draws": DRAWS,
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    publish(train_finished(folder), compare_weights(folder), folder_of())
