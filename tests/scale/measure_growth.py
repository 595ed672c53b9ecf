"""How time and memory of partitioned runs grow: python -m tests.scale.measure_growth --task encode --sizes 10000

Made-up crystals (``tests.scale.made_up``) go through a task with so many worker processes, each run in a fresh process.
Printed, and with --save kept in the report that ``docs/figures/scale_report.py`` reads: seconds from the first
partition to the last, processor time of the workers, and the highest resident memory of the driver and of a worker. The
task "assembly" measures the driver that makes an atlas of parts whose latent vectors are random.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from tests.scale.copying import Copy, MadeUpMap
from tests.scale.made_up import write_made_up
from xcrystal.crystal.files import replacing
from xcrystal.scale.atlas_assembly import assemble_atlas
from xcrystal.scale.running import run_partitions
from xcrystal.scale.tasks import Encode, Explain, MapRows, Reconstruct, Relax, Task

ASSEMBLY = "assembly"  # of an atlas of random latent vectors
TASKS: dict[str, Task] = {t.title: t for t in (Copy(), Encode(), MapRows(), Reconstruct(), Explain(), Relax())}
TASKS[ASSEMBLY] = MadeUpMap()
MOST = {Relax.title: 8}  # atoms of a crystal, where larger ones would take minutes each


class Watch(threading.Thread):
    """Watches the processes that this one has begun: their highest memory, and the time that they have used."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.memory: dict[int, float] = {}
        self.used: dict[int, float] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error, OSError):
                    self.memory[child.pid] = max(self.memory.get(child.pid, 0.0), highest(child.pid))
                    times = child.cpu_times()
                    self.used[child.pid] = times.user + times.system


def highest(pid: int) -> float:
    """The highest resident memory that a process has had, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = [line for line in lines if line.startswith("VmHWM")]  # none of a process that has ended
    return float(told[0].split()[1]) / 1000 if told else 0.0


def measured(name: str, data: Path, workers: int, size: int | None) -> dict[str, Any]:
    """One run in this process."""
    watch = Watch()
    watch.start()
    with tempfile.TemporaryDirectory(prefix="xcrystal-scale-") as folder:
        run, atlas = Path(folder) / "run", Path(folder) / "atlas"
        begun = time.perf_counter()
        report = run_partitions(TASKS[name], data, run, workers=workers, size=size)
        whole = time.perf_counter() - begun
        watch.over.set()
        found = {
            "task": name,
            "crystals": report.crystals + report.skipped,
            "skipped": report.skipped,
            "workers": workers,
            "partitions": report.partitions,
            "partition_size": size or TASKS[name].usual_size,
            "seconds": report.seconds,
            "whole_seconds": whole,
            "processor_seconds": sum(watch.used.values()),
            "driver_mb": highest(os.getpid()),
            "worker_mb": max(watch.memory.values()),
            "bytes": sum(path.stat().st_size for path in run.rglob("*.parquet")),
        }
        if name == ASSEMBLY:
            begun = time.perf_counter()
            facts = assemble_atlas(run, atlas)
            found |= {
                "fitted": facts["map"]["fitted"],
                "seconds": time.perf_counter() - begun,
                "processor_seconds": time.process_time(),
                "driver_mb": highest(os.getpid()),
                "bytes": sum(path.stat().st_size for path in atlas.iterdir()),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="encode")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--partition-size", type=int, default=None)
    parser.add_argument("--data", type=Path, help="where made-up crystals are kept; by default nowhere")
    parser.add_argument("--save", type=Path, help="the report, such as docs/model/reports/scale.json")
    parser.add_argument("--note", default="", help="what else ran on the machine")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xcrystal-made-up-") as folder:
        home = given.data or Path(folder)
        for size in given.sizes:
            most = MOST.get(given.task, 1000)
            data = home / f"{size}-{most}"
            if not data.is_dir():
                write_made_up(data, size, most=most)
            for workers in given.workers:
                if given.one:
                    print(json.dumps(measured(given.task, data, workers, given.partition_size)))  # noqa: T201
                    return
                words = ["--one", "--task", given.task, "--sizes", f"{size}", "--workers", f"{workers}"]
                words += ["--data", f"{home}"]
                words += ["--partition-size", f"{given.partition_size}"] if given.partition_size else []
                command = [sys.executable, "-m", "tests.scale.measure_growth", *words]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                found = json.loads(done.stdout.splitlines()[-1])
                found |= {"date": date.today().isoformat(), "machine": machine(), "note": given.note}
                print(json.dumps(found, indent=1))  # noqa: T201
                if given.save:
                    save(found, given.save)


def machine() -> str:
    """Processor and cores, in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}"


def save(found: dict[str, Any], file: Path) -> None:
    """Put a run into the report, in place of an older one of the same task, size and workers."""
    runs = json.loads(file.read_text()) if file.is_file() else []
    same = ("task", "crystals", "workers")
    kept = [run for run in runs if any(run[name] != found[name] for name in same)]
    every = sorted([*kept, found], key=lambda run: (list(TASKS).index(run["task"]), run["crystals"], run["workers"]))
    with replacing(file) as part:
        part.write_text(json.dumps(every, indent=1) + "\n")


if __name__ == "__main__":
    main()
