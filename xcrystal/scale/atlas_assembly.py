"""An atlas of the parts of a run: UMAP lays out a sample of the crystals, and its nearest ones place others.

One part is in memory at a time, beside the latent vectors of the sample.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.tables import STRUCTURE_COLUMNS
from xcrystal.errors import DatasetError, check_whole_number
from xcrystal.latent.atlas import CODES, FACTS, FLAG, STRUCTURES, TABLE, Atlas
from xcrystal.latent.building import atlas_facts, placing_error, put_in_place
from xcrystal.latent.umap_layout import lay_out
from xcrystal.scale.run_folder import MANIFEST, SKIPPED, RunFolder
from xcrystal.scale.tasks import CODE, MapRows, codes_of

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 20_000
_KEPT = ("material_id", "formula", *STRUCTURE_COLUMNS, "source")


def assemble_atlas(run: str | Path, out: str | Path, sample: int = SAMPLE, seed: int = 0) -> dict[str, Any]:
    """Make an atlas of a run of the task ``MapRows``.

    Parameters
    ----------
    run
        The folder of the run.
    out
        The folder of the atlas; its files appear together in the end, in place of those of an older one.
    sample
        The most crystals that UMAP lays out.
    seed
        Of the sample and of UMAP.

    Returns
    -------
    dict
        The facts of the atlas, as ``xcrystal.latent.building.build_atlas`` keeps them; ``laid_out`` of its crystals are
        the sample.

    Raises
    ------
    DatasetError
        If the folder holds no such run, or no crystal.
    """
    from pyarrow.parquet import read_metadata

    folder, out = RunFolder(Path(run).resolve()), Path(out).resolve()
    told, task = _manifest(folder)
    parts = folder.parts()
    if len(parts) < told["partitions"]:
        missing = told["partitions"] - len(parts)
        raise DatasetError(f"Of the run in {folder.path}, {missing} partitions are not done: begin it again.")
    if not (folder.path / SKIPPED).is_file():
        raise DatasetError(f"The run in {folder.path} has not come to its end: begin it again.")
    ends = np.cumsum([0, *(read_metadata(path).num_rows for path in parts)])
    if not ends[-1]:
        raise DatasetError(f"The run in {folder.path} has no crystals to make an atlas of.")
    size = min(check_whole_number(sample, "The size of a sample"), int(ends[-1]))
    chosen = np.sort(np.random.default_rng(seed).choice(int(ends[-1]), size, replace=False))
    pieces = np.split(chosen, np.searchsorted(chosen, ends[1:-1]))
    within = [piece - first for piece, first in zip(pieces, ends, strict=False)]
    known = _known(parts, within, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
        part = Path(name) / out.name
        part.mkdir()
        properties = _write(parts, within, known, part, int(ends[-1]))
        counted = (told["inputs"]["files"], properties, int(ends[-1]), folder.skipped())
        facts = atlas_facts(task.opened, told["data"], *counted)
        facts |= {"map": known.facts | {"laid_out": size}} | placing_error(known, seed)
        (part / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        put_in_place(part, out)
    return facts


def _manifest(folder: RunFolder) -> tuple[dict[str, Any], MapRows]:
    """What a run says of itself, and its task with the weights that it had."""
    try:
        told: dict[str, Any] = json.loads((folder.path / MANIFEST).read_text(encoding="utf-8"))
        if told["task"] != MapRows.title:
            raise ValueError(f"it is one of the task {told['task']}")
        task, _ = MapRows(**told["arguments"]), (told["partitions"], told["data"], told["inputs"]["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"The folder {folder.path} holds no run that an atlas can be made of: {error}") from error
    if task.digest != told["weights"]:
        raise DatasetError(f"The run in {folder.path} was made with other weights than {task.model} has now.")
    return told, task


def _half(z: np.ndarray) -> np.ndarray:
    """Latent vectors (n, d) as they are kept, in 16 bits."""
    return z.astype(np.float16).astype(np.float32)


def _known(parts: Sequence[Path], within: Sequence[np.ndarray], seed: int) -> Atlas:
    """The sample, laid out."""
    import pandas as pd
    from pyarrow.parquet import read_table

    codes = [codes_of(read_table(p, columns=[CODE]))[rows] for p, rows in zip(parts, within, strict=True) if len(rows)]
    z = _half(np.concatenate(codes))
    layout, how = lay_out(z, seed, max(len(z), 1))
    return Atlas("sample", pd.DataFrame({"x": layout[:, 0], "y": layout[:, 1]}), z, how)


def _write(parts: Sequence[Path], within: Sequence[np.ndarray], known: Atlas, folder: Path, crystals: int) -> list[str]:
    """Write the tables and the latent vectors, part by part, and tell which columns are properties."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tqdm.auto import tqdm

    whole = pa.unify_schemas([pq.read_schema(path) for path in parts], promote_options="permissive")
    columns = [field for field in whole if field.name not in (CODE, *STRUCTURE_COLUMNS, "source")]
    chart = pa.schema([*columns, pa.field("x", pa.float32()), pa.field("y", pa.float32())])
    kept = pa.schema([whole.field(name) for name in _KEPT])
    places, seen = known.table[["x", "y"]].to_numpy(), 0
    with (
        pq.ParquetWriter(folder / TABLE, chart, compression="zstd") as table,
        pq.ParquetWriter(folder / STRUCTURES, kept, compression="zstd") as structures,
        (folder / CODES).open("wb") as codes,
        tqdm(total=crystals, desc="placing", unit="crystal", disable=None) as bar,
    ):
        codes.write(_header(crystals, known.z.shape[1]))
        for path, rows in zip(parts, within, strict=True):
            part = pq.read_table(path)
            if not len(part):
                continue
            z = _half(codes_of(part))
            others = np.setdiff1d(np.arange(len(z)), rows)
            xy = np.empty((len(z), 2), dtype=np.float32)
            xy[rows] = places[seen : seen + len(rows)]
            if len(others):
                xy[others] = known.place(z[others])
            seen += len(rows)
            part = part.append_column("x", pa.array(xy[:, 0])).append_column("y", pa.array(xy[:, 1]))
            table.write_table(_filled(part, chart))
            structures.write_table(_filled(part, kept))
            codes.write(z.astype("<f2").tobytes())
            bar.update(len(z))
    return [field.name for field in columns if pa.types.is_floating(field.type)]


def _filled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema; those that a part has not are not known, or of the flags empty."""
    import pyarrow as pa

    def column(field: pa.Field) -> Any:
        if field.name in table.column_names:
            return table.column(field.name).cast(field.type)
        return pa.array([""] * len(table)) if field.name == FLAG else pa.nulls(len(table), field.type)

    return pa.table([column(field) for field in schema], schema=schema)


def _header(crystals: int, latent_dim: int) -> bytes:
    """The beginning of a safetensors file of ``z`` (crystals, latent_dim) of 16 bits, which follows."""
    shape = [crystals, latent_dim]
    entry = {"dtype": "F16", "shape": shape, "data_offsets": [0, 2 * crystals * latent_dim]}
    text = json.dumps({"z": entry}).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
