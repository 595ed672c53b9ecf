"""How much memory students take who work on one machine, each with a kernel and the explorer open.

Run ``python -m tests.measure_memory`` (Linux). Each kernel opens the explorer, then searches, steers and explains, as a
student does in a lesson; the browser, which would run on the student's own machine, is not here. Memory that processes
share, such as the code of libraries, counts in full in the resident size (RSS) of each, once in total in the
proportional size (PSS), and not at all in the unique size (USS): PSS summed over all is what the machine needs.

``--reruns 20`` runs the cell of the explorer that many times more in one kernel, and tells what is left of each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.browser.server import jupyter_server

OPEN = "import xcrystal as xc\nexplorer = xc.explore()\nexplorer"
WORK = (
    "session = explorer.session\nsession.search('ABX3, O')\nsession.steer('band_gap', 'higher', steps=3)\n"
    "xc.explain(session.model, session.display.structure)\nsession.model.sample(16, seed=0)\nNone"
)
COUNTS = (1, 2, 4)
_KILO = 1 / 1024  # smaps counts in kB, this in MB


def memory(pid: int) -> dict[str, float]:
    """Resident, proportional and unique size of a process, in MB (2^20 bytes)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    unique = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return {"rss": kilobytes["Rss"] * _KILO, "pss": kilobytes["Pss"] * _KILO, "uss": unique * _KILO}


def children() -> set[int]:
    """Processes that this one has started."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@contextlib.contextmanager
def kernels(count: int) -> Iterator[list[tuple[int, BlockingKernelClient]]]:
    """So many kernels with this interpreter: process id and client of each."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            before, manager = children(), KernelManager()
            manager.start_kernel()
            stack.callback(manager.shutdown_kernel, now=True)
            client = manager.blocking_client()
            client.start_channels()
            stack.callback(client.stop_channels)
            client.wait_for_ready(timeout=120)
            (pid,) = children() - before
            found.append((pid, client))
        yield found


def run(client: BlockingKernelClient, code: str) -> None:
    """Run code in a kernel, as one cell and always the same; what it raises is raised here."""
    message = client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True})
    message["metadata"] = {"cellId": "explorer"}
    client.shell_channel.send(message)
    answer = client.get_shell_msg(timeout=300)
    while answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:  # of what was asked while it started
        answer = client.get_shell_msg(timeout=300)
    reply = answer["content"]
    if reply["status"] != "ok":
        raise RuntimeError(f"{reply['ename']}: {reply['evalue']}")


def measure_reruns(count: int) -> dict[str, float | int]:
    """Unique size, in MB, of a kernel that has run the explorer's cell twice, and after so many runs more."""
    with kernels(1) as [(pid, client)]:
        for _ in range(2):
            run(client, OPEN)
        before = memory(pid)["uss"]
        for _ in range(count):
            run(client, OPEN)
        after = memory(pid)["uss"]
    return {"reruns": count, "before": round(before), "after": round(after)}


def measure(counts: Sequence[int] = COUNTS) -> list[dict[str, float | int | str]]:
    """Rows of ``kernels``, ``state`` and the mean ``rss``, ``pss``, ``uss`` of a kernel in MB, and one of a server."""
    rows: list[dict[str, float | int | str]] = []
    for count in counts:
        with kernels(count) as students:
            for state, code in (("explorer open", OPEN), ("after work", WORK)):
                for _, client in students:
                    run(client, code)
                sizes = [memory(pid) for pid, _ in students]
                mean = {name: round(sum(size[name] for size in sizes) / count) for name in sizes[0]}
                rows.append({"kernels": count, "state": state, **mean})
    before = children()
    with jupyter_server():
        (pid,) = children() - before
        rows.append({"kernels": 0, "state": "JupyterLab's server", **{k: round(v) for k, v in memory(pid).items()}})
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Memory of kernels with the explorer open, in MB each.")
    parser.add_argument("--kernels", type=int, nargs="+", default=COUNTS, help="how many at the same time")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--reruns", type=int, help="run the explorer's cell that many times instead")
    options = parser.parse_args()
    if options.reruns:
        print(json.dumps(measure_reruns(options.reruns)))  # noqa: T201
        return
    rows = measure(options.kernels)
    if options.json:
        print(json.dumps(rows))  # noqa: T201
        return
    print("kernels  state                    RSS    PSS    USS   (MB each)")  # noqa: T201
    for row in rows:
        print(  # noqa: T201
            f"{row['kernels']:7}  {row['state']:<20} {row['rss']:7} {row['pss']:6} {row['uss']:6}"
        )


if __name__ == "__main__":
    main()
