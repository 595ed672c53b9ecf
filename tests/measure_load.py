"""What many people at once cost one machine (Linux): ``python -m tests.measure_load``.

``--kernels 8 --updates 200`` opens the explorer in so many kernels, and lets all drag a slider at the same time:
milliseconds from each new value to its crystal (median, 95th percentile), and the memory of a kernel before, after half
of them and after all. ``--sessions 500`` lets so many visitors come to one ``xcrystal
serve`` and leave again, one after the other: memory and open files of the server before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient

from tests.browser.server import OFFLINE
from tests.measure_memory import OPEN, kernels, memory, run

DRAG = """
import json, math, time
session, taken = explorer.session, []
for k in range({updates}):
    began = time.perf_counter()
    session.move(1, 1.5 * math.sin(k / 7))
    taken.append(1000 * (time.perf_counter() - began))
with open({path!r}, "w") as file:
    json.dump(taken, file)
"""
TOKEN = "of-the-measurement-0123456789"
START = 120.0  # seconds that a server or a page may take


def measure_drags(count: int, updates: int) -> dict[str, float]:
    """Milliseconds of an update while ``count`` kernels drag, and the mean unique size of a kernel, MB."""
    with kernels(count) as students, tempfile.TemporaryDirectory() as folder:

        def drag(number: int, client: BlockingKernelClient) -> list[float]:
            path = Path(folder) / f"{number}.json"
            run(client, DRAG.format(updates=updates // 2, path=str(path)))
            found: list[float] = json.loads(path.read_text())
            return found

        with ThreadPoolExecutor(count) as pool:
            clients = [client for _, client in students]
            list(pool.map(lambda client: run(client, OPEN), clients))
            held, every = [_mean(students)], list[float]()
            for _ in range(2):
                every += [taken for drags in pool.map(drag, range(count), clients) for taken in drags]
                held.append(_mean(students))
    return {
        "kernels": count,
        "updates": 2 * (updates // 2),
        "median_ms": round(statistics.median(every), 1),
        "p95_ms": round(statistics.quantiles(every, n=20)[-1], 1),
        "uss_before": round(held[0]),
        "uss_half": round(held[1]),
        "uss_after": round(held[2]),
    }


def _mean(students: Sequence[tuple[int, BlockingKernelClient]]) -> float:
    """The mean unique size of the kernels, MB."""
    return statistics.mean(memory(pid)["uss"] for pid, _ in students)


@contextmanager
def served(*options: str, visitors: int = 1) -> Iterator[tuple[int, str, Path]]:
    """Process, address and log of ``xcrystal serve``."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log.txt").open("w+b") as log:
        command = [
            sys.executable,
            "-m",
            "xcrystal",
            "serve",
            *options,
            "--no-browser",
            "--port",
            "0",
            "--visitors",
            str(visitors),
        ]
        environment = os.environ | OFFLINE | {"XCRYSTAL_TOKEN": TOKEN}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            end, found = time.monotonic() + START, None
            while found is None and time.monotonic() < end and process.poll() is None:
                time.sleep(0.2)
                found = re.search(r"http://127\.0\.0\.1:\d+/", Path(log.name).read_text())
            if found is None:
                raise RuntimeError(Path(log.name).read_text())
            yield process.pid, found[0], Path(log.name)
        finally:
            process.terminate()
            process.wait(timeout=60)


def ask(address: str, method: str = "GET") -> str:
    """What the server answers."""
    request = urllib.request.Request(address, headers={"Authorization": f"token {TOKEN}"}, method=method)
    with urllib.request.urlopen(request, timeout=START) as answer:
        text: str = answer.read().decode()
    return text


def measure_sessions(count: int) -> dict[str, float]:
    """Unique size in MB and open files of a server after two visits, and after ``count`` more."""

    def visit() -> None:
        (kernel,) = set(re.findall(r'"kernelId": *"([0-9a-f-]{36})"', ask(address)))
        ask(f"{address}voila/api/shutdown/{kernel}", "POST")

    with served(visitors=2) as (pid, address, _):
        for _ in range(2):
            visit()
        before, files = memory(pid)["uss"], len(os.listdir(f"/proc/{pid}/fd"))
        for _ in range(count):
            visit()
        after, files_after = memory(pid)["uss"], len(os.listdir(f"/proc/{pid}/fd"))
    return {"sessions": count, "uss_before": round(before), "uss_after": round(after), "files_before": files,
            "files_after": files_after}  # fmt: skip


def main() -> None:
    """Print one line of JSON for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernels", type=int, default=8)
    parser.add_argument("--updates", type=int, default=200, help="of each kernel, 20 or more; 0: none are measured")
    parser.add_argument("--sessions", type=int, default=0)
    given = parser.parse_args()
    if 0 < given.updates < 20:
        parser.error("a 95th percentile needs 20 updates or more")
    if given.updates:
        print(json.dumps(measure_drags(given.kernels, given.updates)), flush=True)  # noqa: T201
    if given.sessions:
        print(json.dumps(measure_sessions(given.sessions)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
