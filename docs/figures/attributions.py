"""Draws the pictures of "How to read an attribution": python docs/figures/attributions.py (a minute)

Prints the figures that the page gives.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from pymatgen.core import Lattice, Structure

import xcrystal as xc
from xcrystal.evaluation.attribution.weight_randomization import cascade

IMAGES = Path(__file__).parents[1] / "images"
BASELINES = ("mean_element", "average_of_crystal", "real_elements", "vacancy")
_COLORS = ("#0072b2", "#e69f00", "#cc79a7", "#009e73")


def perovskite() -> Structure:
    """SrTiO3 in its cubic cell."""
    points = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
    return Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.91), ["Sr", "Ti", "O"], points)


def baselines(model: object, crystal: Structure) -> None:
    """One crystal, one target, three questions."""
    _, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for k, (baseline, color) in enumerate(zip(BASELINES, _COLORS, strict=True)):
        why = xc.explain(model, crystal, level="orbits", baseline=baseline)
        print(
            f"{baseline}: {why.baseline_value:+.2f} to {why.target_value:+.2f} eV/atom, scores add up to "
            f"{why.scores.sum():+.2f}, completeness error {why.completeness_error:.2g}"
        )
        places = np.arange(len(why.names)) + 0.2 * (k - 1.5)
        axis.bar(places, why.scores, 0.19, color=color, label=f"{baseline} ({why.baseline_value:+.2f} eV/atom)")
        axis.set_xticks(range(len(why.names)), why.names)
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_ylabel("score in eV/atom")
    axis.legend(title="baseline", fontsize=8)
    plt.savefig(IMAGES / "attribution_baselines.png", dpi=110, metadata={"Software": None})
    plt.close()


def random_weights(model: object, crystal: Structure) -> None:
    """The same picture of networks that know less and less."""
    # layers become random one after another, from the property heads inwards
    networks = [("trained", model), *((f"random: {name}", network) for name, network in cascade(model, 0))]
    chosen = [networks[0], networks[1], networks[-1]]
    _, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    for axis, (name, network) in zip(axes, chosen, strict=True):
        why = xc.explain(network, crystal, level="orbits", baseline="average_of_crystal")
        axis.bar(why.names, why.scores, color=why.scale().colors(why.scores))
        axis.axhline(0, color="black", linewidth=0.8)
        axis.set_title(name, fontsize=10)
        print(f"{name}: {np.round(why.scores, 3)}")
    axes[0].set_ylabel("score in eV/atom")
    plt.savefig(IMAGES / "attribution_random.png", dpi=110, metadata={"Software": None})
    plt.close()


def main() -> None:
    """Draw everything."""
    model, crystal = xc.load("mp20", device="cpu"), perovskite()
    baselines(model, crystal)
    random_weights(model, crystal)


if __name__ == "__main__":
    main()
