"""What one model server for many kernels is worth (Linux): ``python -m tests.measure_model_server --clients 1 8 30``.

So many processes, each with its own random crystals, ask for one thing after another as fast as they are answered:
requests a second of all together, median and 95th percentile of the milliseconds that one takes, and the memory of one
process. First with a model of its own in each (``--without local`` leaves that out), then with a model server.

``--misbehaving 1000`` lets clients come that hang up in the middle of a request and others that talk nonsense, so many
of each, and two that never end, again and again: the memory and open files of the server, and the milliseconds of a
prediction while so many connections say nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from tests.measure_memory import memory
from tests.served.misbehaving import misbehave, silent
from tests.served.serving import TOKEN, model_server
from xcrystal.model_server.web import most_connections
from xcrystal.served.connection import Connection

SECONDS = 6.0
KINDS = ("predict", "encode", "decode fast", "decode normal", "explain")
WARM = 1.0  # seconds before anything counts


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def work(address: str, seed: int) -> None:
    """A client: reads a kind and when to begin and end, and prints the milliseconds of requests that end in between."""
    import xcrystal as xc
    from tests.crystals import CRYSTALS

    model = xc.load("mp20", "cpu", server=address)
    structures = [crystal.to_structure() for crystal in CRYSTALS.values()]
    z = model.encode(structures)
    rng = np.random.default_rng(seed)

    def vector() -> np.ndarray:
        return z[rng.integers(len(z))] + rng.normal(0, 0.1, z.shape[1])

    asks: dict[str, Callable[[], Any]] = {
        "predict": lambda: model.predict(vector()),
        "encode": lambda: model.encode(structures[rng.integers(len(structures))]),
        "decode fast": lambda: model.decode(vector(), "fast"),
        "decode normal": lambda: model.decode(vector(), "normal"),
        "explain": lambda: xc.explain(model, structures[rng.integers(len(structures))], "band_gap"),
    }
    asks["explain"]()  # imports what it needs
    say("ready")
    for line in sys.stdin:
        kind, begin, end = line.strip().split(", ")
        taken: list[float] = []
        while (now := time.monotonic()) < float(end):
            asks[kind]()
            after = time.monotonic()
            if float(begin) <= after < float(end):
                taken.append(1000 * (after - now))
        say(json.dumps({"taken": taken, **memory(os.getpid())}))


@contextmanager
def clients(count: int, address: str) -> Iterator[list[subprocess.Popen[str]]]:
    """So many clients that have their model."""
    environment = {**os.environ, "XCRYSTAL_SERVER_TOKEN": TOKEN}
    with ExitStack() as stack:
        found = []
        for seed in range(count):
            words = [sys.executable, "-m", "tests.measure_model_server", "--work", address, "--seed", str(seed)]
            client = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            stack.callback(client.wait)
            stack.callback(client.kill)
            found.append(client)
        for client in found:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
        yield found


def measure(count: int, address: str, seconds: float) -> dict[str, dict[str, float]]:
    """Of each kind of request what so many clients get; without an address each has a model of its own."""
    figures = {}
    with clients(count, address) as every:
        for kind in KINDS:
            begin = time.monotonic() + WARM
            for client in every:
                assert client.stdin is not None
                client.stdin.write(f"{kind}, {begin}, {begin + seconds}\n")
                client.stdin.flush()
            answers = [json.loads(client.stdout.readline()) for client in every if client.stdout is not None]
            taken = np.concatenate([answer["taken"] for answer in answers])
            middle, most = np.quantile(taken, [0.5, 0.95]) if len(taken) else (np.nan, np.nan)
            figures[kind] = {
                "a second": len(taken) / seconds,
                "median ms": float(middle),
                "p95 ms": float(most),
                "MB a client (USS)": float(np.mean([answer["uss"] for answer in answers])),
                "MB of all clients (PSS)": float(np.sum([answer["pss"] for answer in answers])),
            }
    return figures


def measure_misbehaving(count: int, rounds: int = 4) -> None:
    """Print what so many clients of each kind leave behind, after each round of them."""
    most_connections()  # this process has as many
    with model_server("--port", "0") as (address, pid):
        connection = Connection(address, TOKEN)
        z = {"z": np.zeros((1, connection.about()["latent_dim"]), np.float32)}

        def taken() -> float:
            began = time.monotonic()
            connection.ask("predict", {"level": 0.9}, z)
            return 1000 * (time.monotonic() - began)

        say("| rounds | MB (USS) | open files | with silent ones | median ms of a prediction among them |")
        say("|---|---|---|---|---|")
        for k in range(rounds + 1):
            with silent(address, count):
                milliseconds = np.median([taken() for _ in range(100)])
                among = len(os.listdir(f"/proc/{pid}/fd"))
            if k:
                misbehave(address, count)
            taken()
            files = len(os.listdir(f"/proc/{pid}/fd"))
            say(f"| {k} | {memory(pid)['uss']:.0f} | {files} | {among} | {milliseconds:.1f} |")


def main() -> None:
    """Print the figures as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 30])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each kind of request")
    parser.add_argument("--without", choices=("local", "served"), help="leave one of the two out")
    parser.add_argument("--misbehaving", type=int, metavar="N", help="let clients misbehave instead, so many of each")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        work(options.work, options.seed)
        return
    if options.misbehaving is not None:
        measure_misbehaving(options.misbehaving)
        return
    say(f"{platform.machine()}, {os.cpu_count()} cores; {options.seconds} s each")
    say("| clients | model | request | a second | median ms | p95 ms | MB a client (USS) | MB of all (PSS) |")
    say("|---|---|---|---|---|---|---|---|")
    for count in options.clients:
        for where in ("local", "served"):
            if where == options.without:
                continue
            with ExitStack() as stack:
                address, pid = stack.enter_context(model_server("--port", "0")) if where == "served" else ("", 0)
                figures = measure(count, address, options.seconds)
                server = f", server {memory(pid)['uss']:.0f} MB (USS)" if pid else ""
            for kind, found in figures.items():
                values = " | ".join(f"{value:.{1 if value < 100 else 0}f}" for value in found.values())
                say(f"| {count} | {where}{server} | {kind} | {values} |")


if __name__ == "__main__":
    main()
