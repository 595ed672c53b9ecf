"""The folder of a partitioned run: what is done is in it, so that whoever is killed loses and repeats nothing.

``manifest.json`` tells of what and how it is made; ``parts/NAME.parquet`` is what became of a partition, and appears
once that is done; ``skipped/NAME.parquet`` is what of it could not be, and why; ``skipped.parquet`` is all of these.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.collections.tables import write_table
from xcrystal.crystal.files import replacing
from xcrystal.crystal.folder_lock import LOCK, alone_in
from xcrystal.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from xcrystal.scale.partitions import Partition

MANIFEST, SKIPPED = "manifest.json", "skipped.parquet"
_PARTS, _REASONS = "parts", "skipped"
_TABLES = "[0-9]" * 8 + ".parquet"  # of partitions; systems and people put other files beside them
_BEGUN, _DAY = "*.*-????????.part", 86400.0  # files that ``replacing`` has begun; s


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run."""

    path: Path

    def part(self, name: str) -> Path:
        """The file of what became of a partition."""
        return self.path / _PARTS / f"{name}.parquet"

    def reasons(self, name: str) -> Path:
        """The file of what of a partition was skipped."""
        return self.path / _REASONS / f"{name}.parquet"

    def is_done(self, partition: Partition) -> bool:
        """Whether a partition is done, and need not be again."""
        return self.part(partition.name).is_file()

    def write(self, partition: Partition, table: pa.Table, skipped: pd.DataFrame) -> None:
        """Keep what became of a partition; its part comes last, and says that it is done."""
        import pyarrow.parquet as pq

        write_table(skipped.astype(str), self.reasons(partition.name))
        # not in the folder of the parts, whom a killed worker's leftovers would make unreadable as one table
        with replacing(self.part(partition.name), within=self.path) as begun:
            pq.write_table(table, begun, compression="zstd")

    def parts(self) -> list[Path]:
        """What became of the partitions that are done, in order."""
        return sorted((self.path / _PARTS).glob(_TABLES))

    def counts(self, partition: Partition) -> tuple[int, int]:
        """How many crystals of a partition that is done are in its part, and were skipped.

        Raises
        ------
        DatasetError
            If one of the two is damaged.
        """
        kept, skipped = (rows_of(file(partition.name)) for file in (self.part, self.reasons))
        return kept, skipped

    def skipped(self) -> int:
        """How many rows ``skipped.parquet`` has."""
        from pyarrow.parquet import read_metadata

        return int(read_metadata(self.path / SKIPPED).num_rows)

    def first_skipped(self) -> str:
        """The first row of ``skipped.parquet``, in words; "" if it has none."""
        from pyarrow.parquet import ParquetFile

        with ParquetFile(self.path / SKIPPED) as file:
            rows = next(file.iter_batches(1), None)
        return "" if rows is None or not len(rows) else "{name}: {reason}".format(**rows.to_pylist()[0])

    def begin(self, manifest: dict[str, Any]) -> None:
        """Make the folder of a new run, or see that the one that is there is of the same.

        Raises
        ------
        DatasetError
            If it is that of another run, or holds something else.
        """
        file = self.path / MANIFEST
        if file.is_file():
            self._compare(file, json.loads(json.dumps(manifest)))
            self._remove_leftovers()
            return
        if self.path.is_dir() and not all(map(_is_begun, self.path.iterdir())):
            raise DatasetError(f"The folder {self.path} holds something else; give a new one for the run.")
        for name in (_PARTS, _REASONS):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            part.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")

    def _remove_leftovers(self) -> None:
        """Remove files that killed workers had begun; not those of today, which one of an earlier call may still write.

        A scheduler's workers go on when the call that sent them their partitions has ended, and no lock tells of them.
        """
        for folder in (self.path, self.path / _REASONS):
            for file in folder.glob(_BEGUN):
                with suppress(OSError):
                    if file.stat().st_mtime < time.time() - _DAY:
                        file.unlink()

    def _compare(self, file: Path, wanted: dict[str, Any]) -> None:
        try:
            found = dict(json.loads(file.read_text(encoding="utf-8")))
            differs = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
            was, now = (_data_of(one) for one in (found, wanted))
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise DatasetError(f"{file} is damaged: {error}") from error
        if {"data", "inputs"} & {*differs}:
            raise DatasetError(
                f"The data have changed since the run in {self.path} was begun: {was}, now {now}; give a new folder."
            )
        if differs:
            name = differs[0]
            was, now = (json.dumps(one.get(name))[:80] for one in (found, wanted))
            raise DatasetError(
                f"The folder {self.path} holds a run with another {name} ({was}, now {now}); give a new folder, or "
                "the arguments of that run."
            )

    def alone(self) -> AbstractContextManager[None]:
        """Keep others from going on with the same run meanwhile; see ``xcrystal.crystal.folder_lock``."""
        return alone_in(self.path)

    def merge_skipped(self, failed: Sequence[tuple[Partition, str]]) -> int:
        """Write ``skipped.parquet`` of all partitions, one after another, and tell how many crystals it is about.

        Parameters
        ----------
        failed
            Partitions that could not be done at all, and why.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(name, pa.string()) for name in ("name", "source", "reason")])
        missed = sum(max(partition.crystals, 1) for partition, _ in failed)
        whole = [{"name": f"partition {p.name}", "source": str(p), "reason": reason} for p, reason in failed]
        count = 0
        with replacing(self.path / SKIPPED) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for path in sorted((self.path / _REASONS).glob(_TABLES)):
                if not self.part(path.stem).is_file():
                    continue  # of a partition that was not finished
                with reading(path):
                    rows = pq.read_table(path).select(schema.names).cast(schema)
                count += len(rows)
                if len(rows):
                    writer.write_table(rows)
            writer.write_table(pa.Table.from_pylist(whole, schema))
        return count + missed


def _is_begun(path: Path) -> bool:
    """Whether something is what one who is killed before there is a manifest leaves."""
    if path.name in (_PARTS, _REASONS):
        return path.is_dir() and not any(path.iterdir())
    return path.name == LOCK or path.match(f"{MANIFEST}{_BEGUN.removeprefix('*')}")


def rows_of(path: Path) -> int:
    """How many rows a file of a partition has.

    Raises
    ------
    DatasetError
        If it is damaged.
    """
    from pyarrow.parquet import read_metadata

    with reading(path):
        return int(read_metadata(path).num_rows)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say which file of a partition it is that cannot be read, and how to have it made again."""
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException) as error:
        again = f"if it is damaged, remove {_PARTS}/{path.name} and begin the run again"
        raise DatasetError(f"{path} cannot be read ({again}): {error}") from error


def _data_of(manifest: dict[str, Any]) -> str:
    """What a manifest tells of the data, in words."""
    inputs = manifest["inputs"]
    return f"{manifest['data']} of {inputs['files']} files and {inputs['bytes']:,} bytes ({inputs['digest'][:8]})"
