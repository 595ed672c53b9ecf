"""Recipes: one command from a dataset folder to a trained model, selected by match rate on the validation split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from xcrystal.crystal.matching import match_rms
from xcrystal.crystal.tables import PROPERTIES, read_table, structure_of
from xcrystal.crystal.tokens import Tokens, load_tokens
from xcrystal.errors import DatasetError, TargetError

RECIPES = ("mp20",)
VALIDATION_CRYSTALS = 300


def run_recipe(
    recipe: str = "mp20",
    data: Path = Path("data/mp20"),
    out: Path = Path("runs/mp20"),
    minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    start: Path | None = None,
) -> None:
    """Train a model; the best one so far lies in ``out/best``, metrics in ``out/metrics.jsonl``.

    Parameters
    ----------
    recipe
        Name of a recipe.
    data
        Folder with ``train.parquet`` and ``val.parquet``.
    out
        Folder of the run; it also keeps the tokens, which can be made on one machine and used on another.
    minutes
        Time budget; the recipe's own when None.
    seed
        Of everything random.
    device
        "auto", "cpu", "cuda", ...
    resume
        Go on from the checkpoint in ``out``.
    start
        A model's folder, whose weights the run begins with.

    Raises
    ------
    TargetError
        If there is no such recipe.
    DatasetError
        If data are missing, or ``out`` holds another run and ``resume`` is not set.
    """
    from dataclasses import replace

    from tqdm.auto import tqdm

    from xcrystal.generator import model_folder
    from xcrystal.model.checkpoint import load_weights
    from xcrystal.model.device import pick_device
    from xcrystal.training.loop import Recipe, Training

    if recipe not in RECIPES:
        raise TargetError(f"There is no recipe {recipe!r}; there are: {', '.join(RECIPES)}.")
    if (out / "checkpoint.json").exists() and not resume:
        raise DatasetError(f"{out} holds a run already; resume it, or choose another folder.")
    train = load_tokens(data / "train.parquet", out)
    val = load_tokens(data / "val.parquet", out)
    chosen = Recipe(name=recipe)
    if minutes is not None:
        chosen = replace(chosen, minutes=minutes, score_every=min(chosen.score_every, max(minutes / 4, 0.5)))
    began_with = load_weights(model_folder(start))[0] if start else None
    run = Training(chosen, train, out, seed, str(pick_device(device)), began_with)
    if resume:
        run.resume()
    with tqdm(total=100, initial=round(100 * run.progress), desc="training", unit="%") as bar:

        def report(record: dict[str, Any]) -> None:
            bar.update(round(100 * run.progress) - bar.n)
            shown = {k: record[k] for k in ("epoch", "loss", "match_rate") if k in record}
            bar.set_postfix_str(json.dumps(shown))

        run.run(MatchRate(data / "val.parquet", val, seed), report)


class MatchRate:
    """Scores a network by how many validation crystals it reconstructs."""

    def __init__(self, table: Path, tokens: Tokens, seed: int = 0, count: int = VALIDATION_CRYSTALS) -> None:
        from xcrystal.training.augmentation import Sampler

        self.rows = np.sort(np.random.default_rng(seed).permutation(len(tokens))[:count])
        records = list(read_table(table).itertuples(index=False))
        self.references = [structure_of(records[tokens.row[i]]) for i in self.rows]
        self.batch = Sampler(tokens).plain(self.rows)
        self.properties = tokens.properties[self.rows]

    def __call__(self, network: Any) -> dict[str, float]:
        """``match_rate``, ``rms`` of matches, and mean absolute errors of the properties."""
        import torch

        from xcrystal.generator import to_structure
        from xcrystal.model.decoding import greedy_decode

        device = next(network.parameters()).device
        with torch.no_grad():
            z, _ = network.posterior(self.batch.to(device))
            decoded = greedy_decode(network, z)
            predicted = network.properties(z).cpu().numpy()
        found = [match_rms(r, to_structure(d)) for r, d in zip(self.references, decoded, strict=True)]
        matched = [rms for rms in found if rms is not None]
        scores = {"match_rate": len(matched) / len(found)}
        if matched:
            scores["rms"] = float(np.mean(matched))
        for k, name in enumerate(PROPERTIES):
            known = np.isfinite(self.properties[:, k])
            if known.any():
                scores[f"mae_{name}"] = float(np.abs(predicted[known, k] - self.properties[known, k]).mean())
        return {name: round(value, 4) for name, value in scores.items()}
