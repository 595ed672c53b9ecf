"""Which half of a model's validation crystals a measurement is about.

One half chooses among checkpoints and calibrates intervals (``xcrystal.crystal.collections.tables.selection_half``), so
the other is the result. A model's folder lists its validation crystals by their ids; other crystals chose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import identifiers, selection_half
from xcrystal.errors import CheckpointError, DatasetError
from xcrystal.evaluation.shared.encoding import Sources

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.generator import CrystalModel

HALVES = ("report", "selection", "all")
VALIDATION_IDS = "validation_ids.txt"


def half_of(model: CrystalModel, sources: Sources, half: str | None = None) -> tuple[Sources, str]:
    """The crystals of a half of some sources, and the name of the half.

    Parameters
    ----------
    half
        "report" leaves out the crystals that choose between models and calibrate them, "selection" takes these alone,
        "all" takes all. By default it is "report" if all crystals are of the model's validation split, otherwise "all".

    Raises
    ------
    DatasetError
        If there is no such half, or no crystal is in it.
    """
    half = half or ("report" if of_validation(model, sources.names) else "all")
    if half == "all":
        return sources, half
    if half not in HALVES:
        raise DatasetError(f"There is no half {half!r}; there are: {', '.join(HALVES)}.")
    species = [c["species"] if isinstance(c, dict) else [site.species_string for site in c] for c in sources.crystals]
    chosen = np.flatnonzero(selection_half(species) == (half == "selection"))
    if not len(chosen):
        raise DatasetError(f"No crystal of this source is in the half {half!r}.")
    return sources.take(chosen), half


def of_validation(model: CrystalModel, names: Sequence[str]) -> bool:
    """Whether all of some ids are in the validation split that is listed in a model's folder."""
    from xcrystal.generator import model_folder

    try:
        known = set((model_folder(model.name) / VALIDATION_IDS).read_text(encoding="utf-8").splitlines())
    except (CheckpointError, OSError):
        return False
    return bool(names) and known.issuperset(names)


def write_validation_ids(folder: Path, table: pd.DataFrame) -> None:
    """List the crystals of a table as the validation split of the model in a folder; numbers of rows are no ids."""
    from xcrystal.model.checkpoint import write_text

    if "material_id" in table:
        write_text("\n".join(identifiers(table)) + "\n", folder / VALIDATION_IDS)
