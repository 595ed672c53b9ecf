"""Build an atlas: read crystals, encode them, lay the latent vectors out as a map, and write it all as flat files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.datasets import Dataset, read_dataset
from xcrystal.crystal.collections.tables import STRUCTURE_COLUMNS, csv_text, row_of
from xcrystal.crystal.collections.tokens import Tokens, load_tokens, tokenize
from xcrystal.crystal.files import move_files
from xcrystal.crystal.quality import count_flags, flags
from xcrystal.crystal.reading import check_size
from xcrystal.errors import DatasetError, ModelError, UnsupportedCrystalError, check_whole_number
from xcrystal.generator import BUNDLED, CrystalModel, open_model
from xcrystal.latent.atlas import CODES, FACTS, FLAG, HULL, IN_TRAIN, LISTS, STRUCTURES, TABLE, Atlas, open_atlas
from xcrystal.latent.labelling import labels_of
from xcrystal.latent.readme import SKIPPED, is_ours, write_readme
from xcrystal.latent.umap_layout import FEWEST, FITTED, lay_out
from xcrystal.wrapping import LatentModel, wrap_model

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

_HELD_OUT = 500
_FEWEST_HELD_OUT = 20  # crystals of an atlas of which some can be left out
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class _Forms:
    """The crystals of a table in canonical form, the rows that they come from, and why others are none."""

    crystals: list[WyckoffCrystal]
    rows: np.ndarray
    failed: dict[int, str]


@dataclass(frozen=True, eq=False)
class _Coded:
    """Crystals with their latent vectors (n, latent_dim), the rows of the table that they come from, and why others are
    none.
    """

    z: np.ndarray
    crystals: list[WyckoffCrystal]
    rows: np.ndarray
    failed: dict[int, str]


PathLike = str | os.PathLike[str]


def build_atlas(
    model: Any,
    data: PathLike | Sequence[PathLike] | np.ndarray,
    out: PathLike,
    seed: int = 0,
    also: PathLike | Sequence[PathLike] = (),
    tokens: PathLike | None = None,
    workers: int = 1,
    fitted: int = FITTED,
) -> Atlas:
    """Build the atlas of one's own crystals, which ``xcrystal.explore(model=..., atlas=out)`` opens.

    Parameters
    ----------
    model
        A bundled model's name ("mp20"), a model's folder, or a model of one's own (see ``xcrystal.protocols``).
    data
        A folder of crystal files, folders within included, or one file: see ``xcrystal.crystal.collections.datasets``.
        Of a folder with ``train.parquet`` only that. Several are read one after another. For a model that only decodes:
        latent vectors (n, d), whose crystals it decodes.
    out
        The folder of the atlas. Its files appear together at the end, in place of those of an older one; a README
        that somebody else wrote there stays.
    seed
        Of UMAP.
    also
        More crystals, from folders or files, that are to be found on the map, but not to count where a latent vector is
        compared with known crystals: hypothetical ones, say. The column ``in_train`` is False for them. One whose
        ``material_id`` came before is left out.
    tokens
        A folder in which a training run keeps the canonical forms of parquet files, which saves making them again.
    workers
        Processes that look for symmetry. More than one start as fresh ones, for which a script needs a main guard.
    fitted
        How many crystals UMAP is fitted to at most; the others are placed by their neighbours among these. ``facts``
        tells of both which share of the nearest neighbours the map keeps.

    Returns
    -------
    Atlas
        As it was written. ``facts`` tells how many crystals there are and were left out, and how well others are
        placed on the map. What was left out, and why, is in ``skipped.csv``; which are doubtful, and why, in the column
        ``flag``, if any is (see ``xcrystal.crystal.quality``).

    Raises
    ------
    DatasetError
        If there is no data, or no crystal of it can be encoded.
    CheckpointError, ModelError, CapabilityError
        If there is no such model, it fails, or it cannot encode.
    TargetError
        If ``fitted`` is no whole number of at least 15.
    """
    check_whole_number(fitted, "fitted", FEWEST)
    opened = open_model(os.fspath(model)) if isinstance(model, (str, os.PathLike)) else wrap_model(model)
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file; an atlas is a folder.")
    counted = None  # rows that are ``in_train``, if not all
    if isinstance(data, np.ndarray):
        source, dataset, coded = "codes", *_of_codes(opened, data)
    else:
        opened.require("encode")
        first, more = _paths(data), _paths(also)
        parts = [read_dataset(path, _older(folder)) for path in (*first, *more)]
        source, dataset = ", ".join(path.name for path in (*first, *more)), Dataset.joined(parts)
        counted = sum(len(part.table) for part in parts[: len(first)]) if more else None
        folder_of_tokens = None if tokens is None else Path(tokens)
        coded = _encoded(opened, _canonical((*first, *more), parts, opened.limits, folder_of_tokens, workers))
    skipped = _skipped(dataset, coded.failed)
    layout, how = lay_out(coded.z, seed, fitted)
    chart, kept = _tables(dataset, coded, layout, counted)
    facts = atlas_facts(opened, source, dataset.files, dataset.properties, len(chart), len(skipped)) | {"map": how}
    facts |= {"in_train": int(chart[IN_TRAIN].sum())} if IN_TRAIN in chart else {}
    facts |= {"flags": count_flags(chart[FLAG].tolist())} if FLAG in chart else {}
    # the bundled atlas belongs to everybody: the crystals that it was made of do not
    own = not folder.resolve().is_relative_to(BUNDLED.resolve())
    atlas = Atlas(str(out), chart, coded.z, facts, kept if own else None)
    facts |= placing_error(atlas, seed)
    _write(atlas, skipped, folder, half=isinstance(opened, CrystalModel))
    return open_atlas(folder)


def placing_error(atlas: Atlas, seed: int = 0) -> dict[str, float]:
    """How far ``Atlas.place`` puts crystals from their position on the map when they are left out of the atlas.

    ``placing_median``, ``placing_90`` as shares of the map's width, over 500 crystals; empty for fewer than 20.
    """
    if len(atlas) < _FEWEST_HELD_OUT:
        return {}
    rng = np.random.default_rng(seed)
    held = rng.choice(len(atlas), min(_HELD_OUT, len(atlas) // 4), replace=False)
    rest = np.setdiff1d(np.arange(len(atlas)), held)
    reduced = Atlas(atlas.name, atlas.table.iloc[rest].reset_index(drop=True), atlas.z[rest])
    xy = atlas.table[["x", "y"]].to_numpy(dtype=float)
    errors = np.linalg.norm(reduced.place(atlas.z[held]) - xy[held], axis=1) / atlas.inverse.width
    return {"placing_median": float(np.median(errors)), "placing_90": float(np.quantile(errors, 0.9))}


def _paths(given: PathLike | Sequence[PathLike]) -> list[Path]:
    return [Path(given)] if isinstance(given, (str, os.PathLike)) else [Path(path) for path in given]


def _canonical(
    paths: Sequence[Path], parts: Sequence[Dataset], limits: tuple[int, int], folder: Path | None, workers: int
) -> _Forms:
    """The canonical forms of datasets one after another, of each material once."""
    crystals: list[WyckoffCrystal] = []
    rows, failed, seen, offset = list[int](), dict[int, str](), set[str](), 0
    for path, part in zip(paths, parts, strict=True):
        own: dict[int, str] = {}
        tokens = _tokens(path, part, limits, own, folder, workers)
        failed |= {row + offset: why for row, why in own.items()}
        names = part.table["material_id"].tolist()
        for row, crystal in zip(tokens.row.tolist(), tokens.crystals(), strict=True):
            if row in own:
                continue
            if names[row] in seen:
                failed[row + offset] = "An earlier table holds this material."
                continue
            crystals.append(crystal)
            rows.append(row + offset)
        seen |= set(names)
        offset += len(names)
    return _Forms(crystals, np.array(rows, dtype=int), failed)


def _tokens(
    path: Path, dataset: Dataset, limits: tuple[int, int], failed: dict[int, str], folder: Path | None, workers: int
) -> Tokens:
    """The tokens of a dataset: of a parquet file those that the folder keeps, if there is one.

    These may hold crystals that are too large for this model, which are then among those that ``failed`` too.
    """
    file = path / "train.parquet" if path.is_dir() else path
    if folder is None or file.suffix != ".parquet" or not file.is_file() or len(dataset.skipped):
        return tokenize(dataset.table, workers, failed, most=limits[0], most_orbits=limits[1])
    tokens = load_tokens(file, folder, workers)
    failed |= dict.fromkeys(set(range(len(dataset.table))) - set(tokens.row.tolist()), "It has no canonical form.")
    orbits = np.diff(tokens.start).tolist()
    for row, atoms, count in zip(tokens.row.tolist(), tokens.atoms.tolist(), orbits, strict=True):
        try:
            check_size(atoms, count, *limits)
        except UnsupportedCrystalError as error:
            failed[row] = str(error)
    return tokens


def _encoded(model: CrystalModel | LatentModel, forms: _Forms) -> _Coded:
    """Codes of crystals; those that cannot be encoded are left out."""
    from tqdm.auto import tqdm

    crystals, failed, codes, kept = forms.crystals, dict(forms.failed), [], []
    with tqdm(total=len(crystals), desc="encoding", unit="crystal", disable=None) as bar:
        for start in range(0, len(crystals), _CHUNK):
            part = crystals[start : start + _CHUNK]
            for k, code in enumerate(_codes(model, part), start=start):
                if isinstance(code, str):
                    failed[int(forms.rows[k])] = code
                else:
                    codes.append(code)
                    kept.append(k)
            bar.update(len(part))
    if not codes:
        raise DatasetError(f"No crystal of this dataset can be encoded: {next(iter(failed.values()))}")
    z = np.stack(codes).astype(np.float32)
    if isinstance(model, CrystalModel):  # what is kept has 16 bits, and is what everything is computed from
        z = z.astype(np.float16).astype(np.float32)
    return _Coded(z, [crystals[k] for k in kept], forms.rows[kept], failed)


def _codes(model: CrystalModel | LatentModel, crystals: list[WyckoffCrystal]) -> Sequence[np.ndarray | str]:
    """The latent vector of each crystal, or why there is none."""
    try:
        return list(model.encode_canonical(crystals))
    except ModelError as error:
        if len(crystals) == 1:
            return [str(error)]
        return [code for crystal in crystals for code in _codes(model, [crystal])]


def _of_codes(model: CrystalModel | LatentModel, z: np.ndarray) -> tuple[Dataset, _Coded]:
    """A dataset of what a model decodes from latent vectors (n, d)."""
    import pandas as pd

    model.require("decode")
    vectors = model.vectors(z)
    if not len(vectors):
        raise DatasetError("There are no latent vectors to build an atlas of.")
    rows = [row_of(structure, f"code {k}") for k, structure in enumerate(model.decode(vectors))]
    table = pd.DataFrame(rows).assign(source="decoded")
    failed: dict[int, str] = {}
    tokens = tokenize(table, failed=failed, most=10**6, most_orbits=10**6)
    none = pd.DataFrame(columns=["name", "source", "reason"])
    return Dataset(table, (), none, 0), _Coded(vectors[tokens.row], tokens.crystals(), tokens.row, failed)


def _older(folder: Path) -> list[Path]:
    """The files of an older atlas, which are no data even if they are in the folder of the data."""
    return (
        [folder / name for name in (TABLE, STRUCTURES, FACTS, HULL, LISTS, SKIPPED)]
        if (folder / CODES).is_file()
        else []
    )


def _skipped(dataset: Dataset, failed: dict[int, str]) -> pd.DataFrame:
    """What is not in the atlas and why: what could not be read, then what could not be encoded."""
    import pandas as pd

    order = sorted(failed)
    more = dataset.table.iloc[order][["material_id", "source"]].set_axis(["name", "source"], axis=1)
    more["reason"] = [failed[row] for row in order]
    return pd.concat([dataset.skipped, more], ignore_index=True)


def _tables(
    dataset: Dataset, coded: _Coded, layout: np.ndarray, counted: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of the atlas, and that of its crystals, in the same order; the first ``counted`` rows are in train."""
    kept = dataset.table.iloc[coded.rows].reset_index(drop=True)
    in_train = None if counted is None else coded.rows < counted
    chart = chart_of(kept, dataset.properties, coded.crystals, layout, in_train)
    return chart, kept[["material_id", "formula", *STRUCTURE_COLUMNS, "source"]]


def chart_of(
    kept: pd.DataFrame,
    properties: Sequence[str],
    crystals: Sequence[WyckoffCrystal],
    layout: np.ndarray | None = None,
    in_train: np.ndarray | None = None,
) -> pd.DataFrame:
    """The table of an atlas of crystals.

    Parameters
    ----------
    kept
        One row a crystal, in the format of ``xcrystal.crystal.collections.tables``.
    properties
        Its columns of numbers; those that are known of no crystal are left out.
    crystals
        In canonical form, in the order of the rows.
    layout
        (n, 2) places on the map; without them the table has none.
    in_train
        (n,) bool, if only some of the crystals are.
    """
    chart = kept[["material_id", "formula"]].copy()
    for name in properties:
        if kept[name].notna().any():
            chart[name] = kept[name].astype("float32")
    chart["space_group"] = np.array([crystal.space_group for crystal in crystals], dtype=np.int16)
    if layout is not None:
        chart["x"], chart["y"] = layout.T.astype("float32")
    if in_train is not None:
        chart[IN_TRAIN] = in_train
    flagged = flags(kept)
    if any(flagged):
        chart[FLAG] = flagged
    for name, label in labels_of(crystals).items():
        chart[str(name)] = label
    return chart


def atlas_facts(
    model: CrystalModel | LatentModel, source: str, files: int, properties: Sequence[str], crystals: int, skipped: int
) -> dict[str, Any]:
    """How an atlas was made: with which model, of which files, and how many crystals are in it and were skipped."""
    import xcrystal

    return {
        "xcrystal": xcrystal.__version__,
        "model": Path(model.name).name,
        "model_digest": model.digest,
        "latent_dim": model.latent_dim,
        "data": source,
        "files": files,
        "crystals": crystals,
        "skipped": skipped,
        "properties": list(properties),
    }


def _write(atlas: Atlas, skipped: pd.DataFrame, folder: Path, half: bool) -> None:
    """Write all files beside the folder, which they become, or else move them into it when all are there.

    An atlas is known by its table: of an older one it goes first, and of the new one it comes last, so that whoever
    opens the folder in between, or after this was killed, never finds the table of the one with vectors of the other.
    Whoever interrupts it, or has no room left, keeps the older one.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as name:
        part = Path(name) / folder.name
        atlas.save(part, half)
        (part / SKIPPED).write_text(csv_text(skipped), encoding="utf-8")
        if is_ours(folder):
            write_readme(part, atlas.facts, list(map(str, atlas.table)), skipped)
        put_in_place(part, folder)


def put_in_place(part: Path, folder: Path) -> None:
    """Make the files of ``part``, in a folder of its own beside ``folder``, the atlas in ``folder``."""
    if not folder.exists():
        part.rename(folder)
        return
    new = sorted((file.name for file in part.iterdir()), key=lambda name: name == TABLE)
    # the hull is that of the energies in the older table, structures and index may be no part of the new one
    move_files(part, folder, new, stale=(HULL, STRUCTURES, LISTS))
