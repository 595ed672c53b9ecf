"""How much of what a model does it does for what it has never seen anything like: ``xcrystal evaluate splits``.

A split by composition is mild, since another compound of the same prototype is mostly among what was learned from. Here
stand the results of short runs of ``xcrystal train --split ...`` side by side, each with how much of what was held out
has a composition, a chemical system or a prototype that was learned from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xcrystal.crystal.collections.tables import reduced_composition
from xcrystal.crystal.collections.tokens import load_tokens
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import CheckpointError
from xcrystal.reporting import Report, columns, share_text
from xcrystal.training.splitting import chemical_system, prototype

KINDS: dict[str, Callable[[WyckoffCrystal], str]] = {
    "composition": lambda crystal: str(
        reduced_composition(np.repeat(crystal.elements, crystal.multiplicities).tolist())
    ),
    "chemical_system": lambda crystal: chemical_system(crystal.elements),
    "prototype": prototype,
}


@dataclass(frozen=True)
class SplitRun:
    """The result of one run, of greedy decodes of the crystals that it held out.

    Attributes
    ----------
    run, recipe, steps
        Name of its folder, its recipe, and how many steps it made.
    learned, crystals
        How many crystals it learned from, and how many held-out ones were measured.
    match_rate, match_interval, mean_rms
        As for ``xcrystal evaluate reconstruction``, with the 95 % interval.
    mae
        Mean absolute error by property.
    known
        Share of all held-out crystals whose composition, chemical system or prototype was learned from.
    """

    run: str
    recipe: str
    steps: int
    learned: int
    crystals: int
    match_rate: float
    match_interval: tuple[float, float]
    mean_rms: float | None
    mae: dict[str, float]
    known: dict[str, float]


@dataclass(frozen=True)
class SplitsReport(Report):
    """Runs, one after another."""

    runs: tuple[SplitRun, ...]

    def table(self) -> str:
        """A row for each run."""
        head = ("run", "steps", "learned from", "held out", "match (95 % interval)", "RMS", "MAE of formation energy",
                *(f"known {kind.replace('_', ' ')}" for kind in KINDS))  # fmt: skip
        rows = [
            (
                run.run,
                run.steps,
                run.learned,
                run.crystals,
                share_text(run.match_rate, run.match_interval),
                "" if run.mean_rms is None else f"{run.mean_rms:.4f}",
                f"{energy:.3f} eV/atom" if (energy := run.mae.get("formation_energy_per_atom")) is not None else "",
                *(f"{run.known[kind]:.1%}" for kind in KINDS),
            )
            for run in self.runs
        ]
        return columns([head, *rows])


def read_splits(folders: Sequence[Path]) -> SplitsReport:
    """Read the results of runs that split their data themselves.

    Parameters
    ----------
    folders
        Of ``xcrystal train --split ...``; such a folder holds ``result.json``, ``best`` and the two parts in ``split``.

    Raises
    ------
    CheckpointError
        If a folder does not hold such a run that has ended.
    """
    return SplitsReport(tuple(_read(folder) for folder in folders))


def _read(folder: Path) -> SplitRun:
    parts = [folder / "split" / f"{name}.parquet" for name in ("train", "val")]
    try:
        result = json.loads((folder / "result.json").read_text())
        facts = json.loads((folder / "best" / "config.json").read_text())["facts"]
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} holds no run that has ended: {error}") from error
    if not all(part.is_file() for part in parts):
        raise CheckpointError(f"The run in {folder} has not split its data itself.")
    learned, held_out = (load_tokens(part, folder).crystals() for part in parts)
    known = {}
    for kind, key in KINDS.items():
        seen = {key(crystal) for crystal in learned}
        known[kind] = sum(key(crystal) in seen for crystal in held_out) / len(held_out)
    return SplitRun(
        run=folder.resolve().name,
        recipe=facts["recipe"]["name"],
        steps=result["steps"],
        learned=facts["crystals"],
        crystals=result["crystals"],
        match_rate=result["match_rate"],
        match_interval=(result["match_low"], result["match_high"]),
        mean_rms=result.get("rms"),
        mae={name.removeprefix("mae_"): value for name, value in result.items() if name.startswith("mae_")},
        known=known,
    )
