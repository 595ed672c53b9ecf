"""What batches buy CHGNet on one core: python -m tests.measure_relaxation

Prints the time that energies, forces and stress of a crystal take, by how many crystals are computed at once, and the
time of graphs alone. Crystals are samples of the bundled model.
"""

from __future__ import annotations

import argparse
import time

import torch
from chgnet.model import CHGNet

import xcrystal as xc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=40)
    crystals = xc.load("mp20").sample(parser.parse_args().n, 0)
    torch.set_num_threads(1)
    network = CHGNet.load(use_device="cpu", verbose=False)
    begun = time.perf_counter()
    graphs = [network.graph_converter(crystal) for crystal in crystals]
    print(f"graphs: {1000 * (time.perf_counter() - begun) / len(crystals):.0f} ms a crystal")  # noqa: T201
    for size in (1, 4, 8, 16, len(crystals)):
        begun = time.perf_counter()
        network.predict_graph(graphs, task="efs", batch_size=size)
        print(f"batches of {size}: {1000 * (time.perf_counter() - begun) / len(crystals):.0f} ms a crystal")  # noqa: T201


if __name__ == "__main__":
    main()
