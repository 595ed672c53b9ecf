"""An atlas of the parts of a run: UMAP lays out a sample of the crystals, and its nearest ones place others.

One part is in memory at a time, beside the latent vectors of samples. Many crystals are brought into the order of an
index on the disk: each goes into the file of a range of cells, and then these are sorted one after another.
"""

from __future__ import annotations

import glob
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import STRUCTURE_COLUMNS, csv_text
from xcrystal.crystal.quality import count_flags
from xcrystal.errors import DatasetError, check_whole_number
from xcrystal.latent.atlas import CODES, FACTS, FLAG, LARGE, LISTS, STRUCTURES, TABLE, Atlas
from xcrystal.latent.atlas_writing import writing_rows
from xcrystal.latent.building import atlas_facts, placing_error, put_in_place
from xcrystal.latent.inverted_lists import SAMPLE as CELL_SAMPLE
from xcrystal.latent.inverted_lists import fit_centres, nearest_centres, starts, write_lists
from xcrystal.latent.readme import REASONS, is_ours, write_readme
from xcrystal.latent.readme import SKIPPED as SKIPPED_CSV
from xcrystal.latent.umap_layout import laid_out, lay_out
from xcrystal.scale.run_folder import MANIFEST, SKIPPED, RunFolder, reading, rows_of
from xcrystal.scale.tasks import CODE, MapRows, codes_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SAMPLE = 20_000
_BUCKET, _MOST_BUCKETS = 2**17, 200  # crystals that are sorted at once; files that are written at once (macOS: 256)
_KEPT = ("material_id", "formula", *STRUCTURE_COLUMNS, "source")
_PLACES = ("x", "y")
_CELL = "cell of the index"  # a column that is on the disk for a while


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
        The facts of the atlas, as ``xcrystal.latent.building.build_atlas`` keeps them.

    Raises
    ------
    DatasetError
        If the folder holds no such run, or no crystal, or is being worked on.
    """
    folder, out = RunFolder(Path(run).resolve()), Path(out).resolve()
    told, task = _manifest(folder)
    with folder.alone():
        parts = folder.parts()
        if len(parts) < told["partitions"]:
            missing = told["partitions"] - len(parts)
            raise DatasetError(f"Of the run in {folder.path}, {missing} partitions are not done: begin it again.")
        if not (folder.path / SKIPPED).is_file():
            raise DatasetError(f"The run in {folder.path} has not come to its end: begin it again.")
        ends = np.cumsum([0, *map(rows_of, parts)])
        if not ends[-1]:
            raise DatasetError(f"The run in {folder.path} has no crystals to make an atlas of.")
        crystals = int(ends[-1])
        size = min(check_whole_number(sample, "The size of a sample"), crystals)
        z, within = _sampled(parts, ends, size, seed)
        layout, how = lay_out(z, seed, max(size, 1))
        known, schema = laid_out(z, layout, seed), _schema(parts[0])
        chart, properties, flagged = _chart(parts, schema)
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder, out)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
            part = Path(name) / out.name
            part.mkdir()
            rows, shape, centres = _placed(parts, within, layout, known, crystals), (crystals, z.shape[1]), None
            if crystals >= LARGE:
                some, _ = _sampled(parts, ends, min(CELL_SAMPLE, crystals), seed)
                centres = fit_centres(some, round(crystals**0.5), seed)
                rows = _by_cell(rows, schema, some, centres, crystals, Path(name))
            _write(rows, chart, schema, shape, centres, part)
            counted = (told["inputs"]["files"], properties, crystals, folder.skipped())
            facts = atlas_facts(task.opened, told["data"], *counted)
            facts |= {"map": how | {"fitted": size}} | ({"flags": flagged} if flagged else {})
            facts |= placing_error(known, seed)
            (part / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
            first = _write_skipped(folder.path / SKIPPED, part / SKIPPED_CSV)
            if is_ours(out):
                write_readme(part, facts, chart.names, first)
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


def _remove_leftovers(folder: RunFolder, out: Path) -> None:
    """Remove what killed calls have left; only in the folder of the run, whose lock says that nobody writes it now."""
    if out.parent == folder.path:
        for left in folder.path.glob(f".{glob.escape(out.name)}-*"):
            shutil.rmtree(left, ignore_errors=True)


def _read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of a part, or some of its columns."""
    from pyarrow.parquet import read_table

    with reading(path):
        return read_table(path, columns=columns)


def _half(z: np.ndarray) -> np.ndarray:
    """Latent vectors (n, d) as they are kept, in 16 bits."""
    return z.astype(np.float16).astype(np.float32)


def _sampled(parts: Sequence[Path], ends: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Latent vectors (count, d) of a sample, and which rows of each part they are."""
    chosen = np.sort(np.random.default_rng(seed).choice(int(ends[-1]), count, replace=False))
    pieces = np.split(chosen, np.searchsorted(chosen, ends[1:-1]))
    within = [piece - first for piece, first in zip(pieces, ends, strict=False)]
    codes = [codes_of(_read(p, [CODE]))[rows] for p, rows in zip(parts, within, strict=True) if len(rows)]
    return _half(np.concatenate(codes)), within


def _schema(part: Path) -> pa.Schema:
    """The columns of a part, which all parts have, and those of the places on the map."""
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    with reading(part):
        return pa.schema([*read_schema(part), *(pa.field(name, pa.float32()) for name in _PLACES)])


def _chart(parts: Sequence[Path], schema: pa.Schema) -> tuple[pa.Schema, list[str], dict[str, int]]:
    """The columns of the table of the atlas, which of them are properties, and how many crystals have which flag.

    As in an atlas that is built at once, there is no column of a property that is known of no crystal, and none of
    flags without any.
    """
    import pyarrow as pa

    chart = [field for field in schema if field.name not in (CODE, *STRUCTURE_COLUMNS, "source")]
    numbers = [field.name for field in chart if pa.types.is_floating(field.type) and field.name not in _PLACES]
    known, counts = set[str](), Counter[str]()
    for path in parts:
        table = _read(path, [*numbers, FLAG])
        known |= {name for name in numbers if table.column(name).null_count < len(table)}
        counts.update(count_flags(table.column(FLAG).to_pylist()))
    flagged = dict(counts) if any(counts.values()) else {}
    left_out = {*numbers} - known | ({FLAG} if not flagged else set())
    properties = [name for name in numbers if name in known]
    return pa.schema([field for field in chart if field.name not in left_out]), properties, flagged


def _placed(
    parts: Sequence[Path],
    within: Sequence[np.ndarray],
    layout: np.ndarray,
    known: Atlas,
    crystals: int,
) -> Iterator[pa.Table]:
    """The rows of the parts with their places on the map; the sample's own are in ``layout``, part after part."""
    import pyarrow as pa
    from tqdm.auto import tqdm

    seen = 0
    with tqdm(total=crystals, desc="placing", unit="crystal", disable=None) as bar:
        for path, rows in zip(parts, within, strict=True):
            part = _read(path)
            if not len(part):
                continue
            z, xy = _half(codes_of(part)), np.empty((len(part), 2), dtype=np.float32)
            others = np.setdiff1d(np.arange(len(z)), rows)
            xy[rows] = layout[seen : seen + len(rows)]
            if len(others):
                xy[others] = known.place(z[others])
            seen += len(rows)
            for name, values in zip(_PLACES, xy.T, strict=True):
                part = part.append_column(name, pa.array(values))
            yield part
            bar.update(len(z))


def _by_cell(
    tables: Iterator[pa.Table], schema: pa.Schema, sample: np.ndarray, centres: np.ndarray, crystals: int, folder: Path
) -> Iterator[pa.Table]:
    """The rows of tables cell after cell, with a column that tells the cell; they are in the folder meanwhile.

    Each goes into one of several files, which the sample (n, d) tells to hold about equally many; these are sorted.
    """
    import pyarrow as pa
    from tqdm.auto import tqdm

    held = np.cumsum(np.bincount(nearest_centres(sample, centres), minlength=len(centres)))
    buckets = min(_MOST_BUCKETS, -(-crystals // _BUCKET))
    bucket_of = np.maximum(held - 1, 0) * buckets // held[-1]
    paths = [folder / f"{number}.arrow" for number in range(buckets)]
    whole = schema.append(pa.field(_CELL, pa.int32()))
    with ExitStack() as stack:
        files = [stack.enter_context(pa.ipc.new_stream(str(path), whole)) for path in paths]
        for table in tables:
            cell = nearest_centres(_half(codes_of(table)), centres)
            marked = table.append_column(whole.field(_CELL), pa.array(cell, pa.int32()))
            for number in np.unique(bucket_of[cell]).tolist():
                files[number].write_table(marked.filter(pa.array(bucket_of[cell] == number)))
    with tqdm(total=crystals, desc="ordering", unit="crystal", disable=None) as bar:
        for path in paths:
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
                table = stream.read_all()
            path.unlink()
            yield table.take(np.argsort(table.column(_CELL).to_numpy(), kind="stable"))
            bar.update(len(table))


def _write(
    tables: Iterator[pa.Table],
    chart: pa.Schema,
    schema: pa.Schema,
    shape: tuple[int, int],
    centres: np.ndarray | None,
    folder: Path,
) -> None:
    """Write the rows, and if they are in the order of cells with these centres (cells, d) the index."""
    import pyarrow as pa

    kept = pa.schema([schema.field(name) for name in _KEPT])
    squares, counts = [], np.zeros(0 if centres is None else len(centres), dtype=int)
    files = {folder / TABLE: chart, folder / STRUCTURES: kept}
    with writing_rows(folder / CODES, shape, centres is None, files) as write:
        for table in tables:
            z = _half(codes_of(table))
            write(z, table.select(chart.names), table.select(kept.names))
            if centres is not None:
                squares.append(np.einsum("nz,nz->n", z, z))
                counts += np.bincount(table.column(_CELL).to_numpy(), minlength=len(counts))
    if centres is not None:
        write_lists(folder / LISTS, centres, starts(counts), np.concatenate(squares))


def _write_skipped(found: Path, file: Path) -> pd.DataFrame:
    """Write what was skipped in a run as CSV, and tell the first of it."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(found) as rows, file.open("w", encoding="utf-8", newline="") as text:
        first = rows.schema_arrow.empty_table().to_pandas()
        text.write(csv_text(first))
        for batch in rows.iter_batches():
            part = batch.to_pandas()
            first = part[:REASONS] if first.empty else first
            text.write(csv_text(part, header=False))
    return first
