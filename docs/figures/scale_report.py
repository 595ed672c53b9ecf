"""Writes docs/model/scale.md: python docs/figures/scale_report.py --price 0.05 --cores 64

What 10^7 and 10^8 crystals would take follows from the largest run of each task that ``python -m
tests.scale.measure_growth --save docs/model/reports/scale.json`` has measured. Nothing on the page is typed by hand.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from xcrystal.model.checkpoint import write_text

ROOT = Path(__file__).parents[2]
REPORT, PAGE = ROOT / "docs" / "model" / "reports" / "scale.json", ROOT / "docs" / "model" / "scale.md"
PRICE, CORES = 0.05, 64
CROWDS = (10**7, 10**8)
Run = dict[str, Any]
_DONE = {
    "copy": "read and write only",
    "encode": "encode",
    "atlas": "rows of an atlas",
    "reconstruct": "reconstruct",
    "explain": "explain",
    "relax": "relax",
    "assembly": "assemble the atlas",
}
_HEAD = """# Millions of crystals: time, memory, money

How the runs of [`xcrystal scale`](../how-to/scale.md) grow, and what ten and a hundred million crystals would take.
Written by

```sh
python docs/figures/scale_report.py --price {price:g} --cores {cores}
```

from what `python -m tests.scale.measure_growth --save docs/model/reports/scale.json` has measured.

## Measured

Crystals are made up: the structure types of the gallery with other elements, in cells that fit these (`python -m
tests.scale.made_up`), so most have few orbits. Each run is a driver and its worker processes on one machine,
{machine}, {dates}; all was on a quiet machine but what a note says. *Time* is from the first partition to the last,
with the seconds in which workers import what they need. *Core time* is the processor time of the workers (in
*assemble*, of the driver), memory the highest resident memory of any worker, and of the driver. *Disk* is what was
written.

"""
_NOTES = """
What a worker holds depends on the size of a partition, not on how many there are; the driver keeps the names of the
partitions. *Read and write only* is the share of all tasks that is not the model's, and the part that was measured up
to the largest number; with two workers more of its time is their start than work. What a second worker gains is not
settled: nothing in the two short runs of *encode* and more than twice in those of 10,000, where one worker was held up.
{missing}

## Ten and a hundred million, computed

Not measured: the core time of one crystal in the largest run of each task, times the crystals. It is linear as far as
was measured. {price:g} is what an hour of one core costs, in whatever money; the hours are those of {cores} cores
that are all kept busy, and of one for *assemble*.

"""
_AFTER = """
Real crystals have more orbits than made-up ones, and take longer to decode, explain and above all relax: measure some
thousand of your own first (`xcrystal scale ... ` prints crystals per second). Coordinates of made-up crystals are few
and repeat, so that they hardly take any room on disk; latent vectors take all they ever will.
"""


def page(runs: list[Run], price: float = PRICE, cores: int = CORES) -> str:
    """The page, as Markdown."""
    machines = " and ".join(sorted({run["machine"] for run in runs}))
    days = sorted({run["date"] for run in runs})
    dates = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    head = _HEAD.format(price=price, cores=cores, machine=machines, dates=dates)
    missing = [words for task, words in _DONE.items() if all(run["task"] != task for run in runs)]
    said = f"Not measured yet: {', '.join(missing)}." if missing else ""
    return (
        head
        + _measured(runs)
        + _NOTES.format(price=price, cores=cores, missing=said)
        + _computed(runs, price, cores)
        + _AFTER
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _measured(runs: list[Run]) -> str:
    rows: list[tuple[str, ...]] = [
        ("task", "crystals", "workers", "time", "crystals/s", "core time a crystal", "worker", "driver", "disk", "note")
    ]
    for run in runs:
        serial = run["task"] == "assembly"
        rows.append(
            (
                _DONE[run["task"]],
                f"{run['crystals']:,}",
                "driver" if serial else f"{run['workers']}",
                f"{run['seconds']:,.0f} s",
                f"{run['crystals'] / run['seconds']:,.1f}",
                f"{1000 * run['processor_seconds'] / run['crystals']:,.2f} ms",
                "" if serial else f"{run['worker_mb']:,.0f} MB",
                f"{run['driver_mb']:,.0f} MB",
                f"{run['bytes'] / 1e6:,.1f} MB",
                run["note"],
            )
        )
    return _table(rows)


def _computed(runs: list[Run], price: float, cores: int) -> str:
    largest = {run["task"]: run for run in runs}  # they stand in the order of their sizes
    rows: list[tuple[str, ...]] = [("task", "crystals", "core hours", "hours", "money", "disk")]
    for task, words in _DONE.items():
        if task not in largest:
            continue
        run = largest[task]
        for crowd in CROWDS:
            spent = run["processor_seconds"] / run["crystals"] * crowd / 3600
            shared = spent if task == "assembly" else spent / cores
            disk = run["bytes"] / run["crystals"] * crowd / 1e9
            count = f"10{'⁷⁸'[CROWDS.index(crowd)]}"
            rows.append((words, count, f"{spent:,.0f}", f"{shared:,.1f}", f"{spent * price:,.0f}", f"{disk:,.1f} GB"))
    return _table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--price", type=float, default=PRICE, help="of an hour of one core")
    parser.add_argument("--cores", type=int, default=CORES)
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    write_text(page(json.loads(given.report.read_text(encoding="utf-8")), given.price, given.cores), given.out)


if __name__ == "__main__":
    main()
