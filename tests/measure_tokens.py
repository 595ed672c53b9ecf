"""Whether training needs more memory for more crystals (Linux): ``python -m tests.measure_tokens``.

For each number, crystals are made up (those of the tests with random elements), written part by part, and a process of
its own opens them and takes ``--steps`` steps of the toy recipe with random batches. Printed are the size on disk, what
the process holds of its own before training and at its most (RssAnon; pages of the files count in the resident size,
and the system takes them back when it needs them), and seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tokens import Tokens, TokenWriter, _tokens_of

PART = 10_000


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def make(folder: Path, count: int) -> None:
    """Write tokens of so many made-up crystals."""
    import pandas as pd

    crystals = list(enumerate(CRYSTALS.values()))
    few = _tokens_of(pd.DataFrame({"formation_energy_per_atom": np.linspace(-2, 0, len(crystals))}), crystals)
    rng = np.random.default_rng(0)
    with TokenWriter(folder) as writer:
        for begin in range(0, count, PART):
            drawn = few.take(rng.integers(len(few), size=min(PART, count - begin)))
            elements = rng.integers(3, 84, len(drawn.element)).astype(np.int16)
            writer.add(replace(drawn, element=elements, row=np.arange(begin, begin + len(drawn))))


def own_memory() -> float:
    """What this process holds that is no file's, in MB (2^20 bytes)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def train(folder: Path, steps: int) -> None:
    """Train on the tokens of a folder, and print what it took."""
    from xcrystal.training.loop import Training
    from xcrystal.training.recipes import recipe_of

    before = most = own_memory()
    tokens = Tokens.load(folder)
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        training = Training(replace(recipe_of("toy"), steps=steps), tokens, Path(out))
        opened = time.perf_counter() - began
        most = max(most, own_memory())
        training.run()
    say(json.dumps({"before": before, "most": max(most, own_memory()), "opened": opened}))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crystals", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        train(options.work, options.steps)
        return
    say("| crystals | MB on disk | own memory before, MB | at most, MB | seconds to open |")
    say("|---|---|---|---|---|")
    for count in options.crystals:
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "tokens"
            make(folder, count)
            size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
            words = [sys.executable, "-m", "tests.measure_tokens", "--work", str(folder), "--steps", str(options.steps)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        say(f"| {count:,} | {size:.0f} | {found['before']:.0f} | {found['most']:.0f} | {found['opened']:.1f} |")


if __name__ == "__main__":
    main()
