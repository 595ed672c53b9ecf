"""Labels of an atlas: which crystals are rock salts, perovskites, layered or close-packed.

They are boolean columns of its table, made from the crystals themselves when an atlas is built, or later with
``xcrystal atlas --labels``. An atlas without them knows of each motif only what formula and space group tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import identifiers, read_table, write_table
from xcrystal.crystal.geometry.motifs import ALKALI, MOTIFS, motifs
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import DatasetError
from xcrystal.latent.atlas import ABOVE_HULL, TABLE, Atlas, open_atlas
from xcrystal.latent.compositions import Formula
from xcrystal.latent.prototypes import PEROVSKITE_GROUPS, may_be_perovskite

if TYPE_CHECKING:
    import pandas as pd

UNLABELLED = "This atlas has no labels of motifs; xcrystal atlas --labels --data FOLDER --out ATLAS adds them."
_ROCK_SALT = 225


def labels_of(crystals: Sequence[WyckoffCrystal]) -> pd.DataFrame:
    """A boolean column for each motif, and a row for each crystal; 2 to 4 ms each."""
    import pandas as pd
    from tqdm.auto import tqdm

    every = tqdm(crystals, desc="labelling", unit="crystal", disable=None)
    return pd.DataFrame([motifs(crystal) for crystal in every], columns=list(MOTIFS)).astype(bool)


def label_atlas(data: Path | Sequence[Path], folder: Path) -> dict[str, int]:
    """Add the labels to an atlas that exists; its latent vectors and its map stay as they are.

    Parameters
    ----------
    data
        Folder with ``train.parquet``, a parquet file, or several of these, that hold the crystals of the atlas, by
        ``material_id``.
    folder
        Of the atlas.

    Returns
    -------
    dict
        How many crystals have each motif.

    Raises
    ------
    DatasetError
        If there is no such atlas, or the data lack one of its crystals.
    """
    import pandas as pd

    from xcrystal.crystal.collections.tokens import tokenize

    atlas = open_atlas(folder)
    given = [data] if isinstance(data, Path) else data
    files = [path if path.is_file() else path / "train.parquet" for path in given]
    source = ", ".join(map(str, files))
    table = pd.concat([read_table(file) for file in files], ignore_index=True)
    wanted = atlas.table["material_id"].astype(str)
    table = table[np.isin(np.array(identifiers(table)), wanted)].reset_index(drop=True)
    names = np.array(identifiers(table))
    absent = len(set(wanted) - set(names))
    if absent:
        raise DatasetError(f"{source} lacks {absent} of the {len(atlas)} crystals of the atlas {folder}.")
    tokens = tokenize(table)
    labels = labels_of(tokens.crystals()).set_axis(names[tokens.row])
    labels = labels[~labels.index.duplicated()].reindex(wanted)
    if labels.isna().any(axis=None):
        raise DatasetError(f"{source} has crystals of the atlas {folder} that cannot be encoded.")
    new = atlas.table.drop(columns=[name for name in (*MOTIFS, ABOVE_HULL) if name in atlas.table])
    for name in MOTIFS:
        new[name] = labels[name].to_numpy(dtype=bool)
    write_table(new, folder / TABLE)
    return {name: int(new[name].sum()) for name in MOTIFS}


def has_motif(atlas: Atlas, motif: str) -> np.ndarray | None:
    """(N,) which crystals have a motif: by label, or by formula and space group; None if these cannot tell."""
    if motif in atlas.table and atlas.table[motif].dtype.kind == "b":
        return atlas.table[motif].to_numpy(dtype=bool)
    if "space_group" not in atlas.table:
        return None
    groups = atlas.table["space_group"].to_numpy()
    if motif == "rock_salt":
        return (groups == _ROCK_SALT) & _formulas(atlas, _one_to_one)
    if motif == "perovskite":
        return np.isin(groups, PEROVSKITE_GROUPS) & _formulas(atlas, may_be_perovskite)
    return None


def is_labelled(atlas: Atlas) -> bool:
    """Whether its motifs were judged from the crystals themselves."""
    return all(name in atlas.table and atlas.table[name].dtype.kind == "b" for name in MOTIFS)


def has_alkali_metal(atlas: Atlas) -> np.ndarray:
    """(N,) which crystals contain an alkali metal."""
    return _formulas(atlas, lambda formula: any(element in ALKALI for element, _ in formula))


def _formulas(atlas: Atlas, holds: Callable[[Formula], bool]) -> np.ndarray:
    formulas, which = atlas.formulas
    return np.array([formula is not None and holds(formula) for formula in formulas], dtype=bool)[which]


def _one_to_one(formula: Formula) -> bool:
    return [count for _, count in formula] == [1, 1]
