"""Tasks that are slow, that fail, and that kill the process that does them; and a run to kill from outside."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.scale.copying import Copy
from xcrystal.scale.running import run_partitions

if TYPE_CHECKING:
    import pyarrow as pa

    from xcrystal.crystal.collections.datasets import Dataset


@dataclass(frozen=True)
class Slow(Copy):
    """A copy that takes so many seconds a partition."""

    seconds: float = 0.2

    title = "slow"

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Wait, and give the table back."""
        time.sleep(self.seconds)
        return super().run(dataset)


@dataclass(frozen=True)
class Failing(Copy):
    """A copy that ends in an error nobody thought of, or with its process, where it meets one crystal."""

    name: str = ""
    dies: bool = False

    title = "failing"

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Fail over that crystal, and copy the others."""
        if self.name in set(dataset.table["material_id"]):
            if self.dies:
                os._exit(1)
            raise ZeroDivisionError("nobody thought of this")
        return super().run(dataset)


if __name__ == "__main__":
    run_partitions(Slow(), Path(sys.argv[1]), Path(sys.argv[2]), size=5, workers=2)
