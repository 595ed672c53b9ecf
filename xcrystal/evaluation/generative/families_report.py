"""The same figures for all families of generators: those of ``xcrystal evaluate generators``."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from xcrystal.crystal.collections.crystal_sets import CrystalSet, crystal_set, joined
from xcrystal.crystal.collections.tables import read_table
from xcrystal.crystal.collections.tokens import Tokens, tokenize
from xcrystal.errors import DatasetError, UnsupportedElementWarning, XCrystalError
from xcrystal.evaluation.generative.distributions import describe, distances, wasserstein
from xcrystal.evaluation.generative.generation import evaluate_generation
from xcrystal.generators.families import FOLDER, NAMES, open_family, seconds_a_crystal
from xcrystal.generators.substitution import SubstitutionFamily
from xcrystal.reporting import Report, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel

SUBSTITUTION = "substitution"
ALL = {**NAMES, SUBSTITUTION: "elements exchanged in known crystals"}
_SHARES = {
    "no_overlap": "no overlap",
    "smact": "charge-neutral (SMACT)",
    "valid": "valid",
    "unique": "unique",
    "novel": "novel",
    "unique_novel_valid": "unique, novel and valid",
}
_DISTANCES = {
    "density": "density, Wasserstein (g/cm3)",
    "elements": "number of elements, Wasserstein",
    "space_group": "space groups, total variation",
}
ABILITIES = {
    "encode a crystal": {"vae": "yes", "flow": "yes"},
    "edit or interpolate crystals": {"vae": "yes", "flow": "yes"},
    "explain by gradients of a latent vector": {"vae": "yes", "flow": "yes"},
    "condition on a space group": {
        "vae": "when decoded",
        "flow": "when decoded",
        "autoregressive": "yes",
        "diffusion": "yes",
        SUBSTITUTION: "of a known crystal",
    },
    "condition on elements": {
        "vae": "no (xc.design)",
        "flow": "no (xc.design)",
        "autoregressive": "yes",
        "diffusion": "yes",
        SUBSTITUTION: "yes",
    },
    "likelihood of a crystal": {
        "vae": "a lower bound",
        "flow": "of its latent vector",
        "autoregressive": "yes",
        "diffusion": "a lower bound",
    },
}


@dataclass(frozen=True)
class FamiliesReport(Report):
    """The figures of each family, by its name.

    Attributes
    ----------
    crystals, seed
        How many samples of each there are.
    families
        By name: shares with their 95 % intervals, distances to the reference, ``milliseconds`` a crystal.
    reference
        The same shares of the reference set.
    """

    crystals: int
    seed: int
    families: dict[str, dict[str, Any]]
    reference: dict[str, float]

    def table(self) -> str:
        """The figures as lines of text, and what each family can do."""
        names = list(self.families)
        rows = [["", *(ALL[name] for name in names), "reference"]]
        for key, words in _SHARES.items():
            cells = [
                f"{s['share']:.1%} ({s['interval'][0]:.1%} to {s['interval'][1]:.1%})"
                for s in (self.families[name]["shares"][key] for name in names)
            ]
            known = self.reference.get(key)
            rows.append([words, *cells, "" if known is None else f"{known:.1%}"])
        for key, words in {**_DISTANCES, "energy": "predicted energy, Wasserstein (eV/atom)"}.items():
            rows.append([words, *(f"{self.families[name]['distances'][key]:.3f}" for name in names), ""])
        rows.append(["ms a crystal", *(f"{self.families[name]['milliseconds']:.1f}" for name in names), ""])
        can = [[what, *(by.get(name, "no") for name in names), ""] for what, by in ABILITIES.items()]
        return columns(rows + can)


def shipped_report() -> FamiliesReport:
    """What ``xcrystal evaluate generators`` found of the generators that ship, with 1,000 samples of each."""
    found = json.loads((FOLDER / "report.json").read_text(encoding="utf-8"))
    return FamiliesReport(**found)


def evaluate_families(
    model: CrystalModel,
    data: Path,
    n: int = 1000,
    seed: int = 0,
    families: Sequence[str] = tuple(ALL),
    workers: int = 1,
) -> FamiliesReport:
    """Sample each family and measure all samples alike.

    Nothing is left out and nothing relaxed. The autoencoder decodes with its search for crystals without overlap; the
    others take what is drawn.

    Parameters
    ----------
    data
        Folder with ``train.parquet``, ``val.parquet`` and, if there, ``more_structures.parquet`` and
        ``classics.parquet``: novel is what is in none of those that were learned from; the reference is ``val``.
    n, seed
        Samples of each family, and of everything random.
    families
        Names of ``ALL``.
    workers
        Processes that look at crystals.

    Raises
    ------
    DatasetError
        If there is no such family, or data are missing.
    """
    unknown = [name for name in families if name not in ALL]
    if unknown:
        raise DatasetError(f"There is no family {unknown[0]!r} of generators; there are {', '.join(ALL)}.")
    reference = crystal_set(data / "val.parquet")
    learned = [data / f"{name}.parquet" for name in ("train", "more_structures", "classics")]
    known = joined(crystal_set(path) for path in learned if path.is_file() or path.stem == "train")
    target = _Target(reference, model)
    found = {}
    for name in families:
        family: Any = (
            SubstitutionFamily(_train_tokens(data, workers)) if name == SUBSTITUTION else open_family(name, model)
        )
        with tqdm(total=n, desc=f"sampling {name}", unit="crystal", disable=None, leave=False) as bar:
            samples = family.sample(n, seed, on_step=lambda done, bar=bar: bar.update(done - bar.n))
        shares = evaluate_generation(samples, None, known, workers, seed).samples.shares
        distances_to, encoded = target.distances_of(samples)
        found[name] = {
            "shares": {key: {"share": shares[key].share, "interval": list(shares[key].interval)} for key in _SHARES},
            "distances": distances_to,
            "encoded": encoded,
            "milliseconds": round(1000 * seconds_a_crystal(family), 2),
        }
    beside = evaluate_generation(reference, None, known, workers, seed).samples.shares
    return FamiliesReport(n, seed, found, {key: beside[key].share for key in _SHARES})


class _Target:
    """The reference crystals, described once."""

    def __init__(self, reference: CrystalSet, model: CrystalModel) -> None:
        self.model = model
        self.described = describe(reference.cells)
        self.energies, _ = self._energies([cell.structure() for cell in reference.cells])

    def distances_of(self, samples: Sequence[Structure]) -> tuple[dict[str, float], float]:
        """Distances of the samples' distributions, and the share of them that the autoencoder can encode."""
        found = distances(describe(crystal_set(samples).cells), self.described)
        energies, encoded = self._energies(samples)
        energy = wasserstein(energies, self.energies) if len(energies) else float("nan")
        return {key: getattr(found, key) for key in _DISTANCES} | {"energy": energy}, encoded

    def _energies(self, structures: Sequence[Structure]) -> tuple[np.ndarray, float]:
        """Predicted formation energies (m,) in eV/atom of those that can be encoded, and their share."""
        vectors = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            for structure in structures:
                try:
                    vectors.append(self.model.encode([structure])[0])
                except XCrystalError:
                    continue
        if not vectors:
            return np.zeros(0), 0.0
        return self.model.predict(np.stack(vectors))["formation_energy_per_atom"], len(vectors) / len(structures)


def _train_tokens(data: Path, workers: int) -> Tokens:
    return tokenize(read_table(data / "train.parquet"), workers)
