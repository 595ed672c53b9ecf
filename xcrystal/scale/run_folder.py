"""The folder of a partitioned run: what is done is in it, so that whoever is killed loses and repeats nothing.

``manifest.json`` tells of what and how it is made; ``parts/NAME.parquet`` is what became of a partition, and appears
once that is done; ``skipped/NAME.parquet`` is what of it could not be, and why; ``skipped.parquet`` is all of these.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
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
        return sorted((self.path / _PARTS).glob("*.parquet"))

    def counts(self, partition: Partition) -> tuple[int, int]:
        """How many crystals of a partition that is done are in its part, and were skipped."""
        from pyarrow.parquet import read_metadata

        kept, skipped = (read_metadata(file(partition.name)).num_rows for file in (self.part, self.reasons))
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
            return
        if self.path.is_dir() and any(one.name != LOCK for one in self.path.iterdir()):
            raise DatasetError(f"The folder {self.path} holds something else; give a new one for the run.")
        for name in (_PARTS, _REASONS):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            part.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")

    def _compare(self, file: Path, wanted: dict[str, Any]) -> None:
        try:
            found = dict(json.loads(file.read_text(encoding="utf-8")))
            differs = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        except (ValueError, TypeError, OSError) as error:
            raise DatasetError(f"{file} is damaged: {error}") from error
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
            for path in sorted((self.path / _REASONS).glob("*.parquet")):
                if not self.part(path.stem).is_file():
                    continue  # of a partition that was not finished
                rows = pq.read_table(path).select(schema.names).cast(schema)
                count += len(rows)
                if len(rows):
                    writer.write_table(rows)
            writer.write_table(pa.Table.from_pylist(whole, schema))
        return count + missed
