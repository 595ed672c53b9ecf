"""Writes docs/model/scale.md: python docs/figures/scale_report.py --price 0.05 --cores 64

What 10^7 and 10^8 crystals would take follows from the largest run of each task that ``python -m
tests.scale.measure_growth --save docs/model/reports/scale.json`` has measured; so does what a second worker gains, and
whether a crystal takes as long among many. Nothing of that is typed by hand.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import groupby, permutations
from pathlib import Path
from typing import Any

from xcrystal.model.checkpoint import write_text

ROOT = Path(__file__).parents[2]
REPORT, PAGE = ROOT / "docs" / "model" / "reports" / "scale.json", ROOT / "docs" / "model" / "scale.md"
PRICE, CORES = 0.05, 64
CROWDS = (10**7, 10**8)
_SHORTEST = 20  # s
Run = dict[str, Any]
_SERIAL = "assembly"  # what the driver does alone
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
tests.scale.made_up`), so most have few orbits; those that are relaxed have at most 8 atoms. Each run is a driver and
its worker processes on one machine,
{machine}, {dates}; a note says what else ran on it. *Time* is from the first partition to the last,
with the seconds in which workers import what they need. *Core time* is the processor time of the workers (in
*assemble*, of the driver), memory the highest resident memory of any worker, and of the driver. *Disk* is what was
written.

"""
_NOTES = """
*Read and write only* is the share of all tasks that is not the model's. {missing}

"""
_GAINS = """## What a second worker gains

How many times as fast two workers were as one, in runs of the same task, crystals and partitions without a note. Their
start, some seconds, is a part of the time.

"""
_GROWTH = """## More crystals in partitions of the same size

The larger run as a multiple of the smaller one, in runs of the same task, workers and size of a partition without a
note that took {shortest} s or longer, since the start of the workers is no growth; 1 is what stays as it is.

"""
_COMPUTED = """## Ten and a hundred million, computed

Not measured: the core time of one crystal in the largest run of each task, times the crystals. {price:g} is what an
hour of one core costs, in whatever money; the hours are those of {cores} cores that are all kept busy, and of one for
*assemble*. *Rests on* is the run, and says so if it has a note, or if the task was measured with one number of crystals
only, so that nothing is known of its growth.

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
    notes = f"{_NOTES.format(missing=said).rstrip()}\n\n"
    gains = [_GAINS, _gains(runs), "\n"] if _gains(runs) else []
    growth = [_GROWTH.format(shortest=_SHORTEST), _growth(runs), "\n"] if _growth(runs) else []
    computed = _COMPUTED.format(price=price, cores=cores) + _computed(runs, price, cores)
    return "".join([head, _measured(runs), notes, *gains, *growth, computed, _AFTER])


def _a_partition(run: Run) -> int:
    """How many crystals a partition of a run holds at most; earlier records do not tell."""
    return int(run.get("partition_size") or -(-run["crystals"] // run["partitions"]))


def _workers(run: Run) -> str:
    """How many there were, in words."""
    return "driver" if run["task"] == _SERIAL else f"{run['workers']}"


def _alike(runs: list[Run], *same: str) -> Iterator[tuple[Run, Run]]:
    """Pairs of undisturbed runs of one task in partitions of the same size that are the same in these respects."""

    def key(run: Run) -> tuple[Any, ...]:
        return list(_DONE).index(run["task"]), _a_partition(run), *(run[name] for name in same)

    for _, group in groupby(sorted((run for run in runs if not run["note"]), key=key), key):
        yield from permutations(group, 2)


def _gains(runs: list[Run]) -> str:
    """How many times as fast two workers were as one; "" if there are no such runs."""
    shared = [run for run in runs if run["task"] != _SERIAL]
    pairs = [(one, two) for one, two in _alike(shared, "crystals") if (one["workers"], two["workers"]) == (1, 2)]
    rows = [
        (_DONE[one["task"]], f"{one['crystals']:,}", f"{one['seconds'] / two['seconds']:.2f}") for one, two in pairs
    ]
    return _table([("task", "crystals", "times as fast"), *rows]) if rows else ""


def _growth(runs: list[Run]) -> str:
    """What core time and memory the smallest and the largest run of a kind take; "" if there are no such runs."""
    spans: dict[tuple[str, int, int], tuple[Run, Run]] = {}
    for less, more in _alike([run for run in runs if run["seconds"] >= _SHORTEST], "workers"):
        kind = (less["task"], less["workers"], _a_partition(less))
        first, last = spans.get(kind, (less, less))
        if more["crystals"] - less["crystals"] > last["crystals"] - first["crystals"]:
            spans[kind] = less, more
    rows: list[tuple[str, ...]] = [
        ("task", "workers", "crystals", "core time a crystal", "memory of a worker", "memory of the driver")
    ]
    for less, more in spans.values():
        of_each = more["processor_seconds"] / more["crystals"] / (less["processor_seconds"] / less["crystals"])
        worker = "" if less["task"] == _SERIAL else f"{more['worker_mb'] / less['worker_mb']:.2f}"
        memory = (worker, f"{more['driver_mb'] / less['driver_mb']:.2f}")
        span = f"{less['crystals']:,} to {more['crystals']:,}"
        rows.append((_DONE[less["task"]], _workers(less), span, f"{of_each:.2f}", *memory))
    return _table(rows) if len(rows) > 1 else ""


def _table(rows: list[tuple[str, ...]]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _measured(runs: list[Run]) -> str:
    figures = ("time", "crystals/s", "core time a crystal", "worker", "driver", "disk")
    rows: list[tuple[str, ...]] = [("task", "crystals", "a partition", "workers", *figures, "note")]
    for run in runs:
        serial = run["task"] == _SERIAL
        rows.append(
            (
                _DONE[run["task"]],
                f"{run['crystals']:,}",
                f"{_a_partition(run):,}",
                _workers(run),
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
    rows: list[tuple[str, ...]] = [("task", "crystals", "core hours", "hours", "money", "disk", "rests on")]
    for task, words in _DONE.items():
        if task not in largest:
            continue
        run = largest[task]
        doubts = ["disturbed"] if run["note"] else []
        doubts += ["one number only"] if len({one["crystals"] for one in runs if one["task"] == task}) == 1 else []
        base = ", ".join([f"{run['crystals']:,}", *doubts])
        for crowd in CROWDS:
            spent = run["processor_seconds"] / run["crystals"] * crowd / 3600
            shared = spent if task == _SERIAL else spent / cores
            disk = run["bytes"] / run["crystals"] * crowd / 1e9
            count = f"10{'⁷⁸'[CROWDS.index(crowd)]}"
            figures = (f"{spent:,.0f}", f"{shared:,.1f}", f"{spent * price:,.0f}", f"{disk:,.1f} GB")
            rows.append((words, count, *figures, base))
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
