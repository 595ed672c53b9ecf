"""A second crystal over a drawn one: shells around its atoms, each beside the counterpart that is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.drawing.scene import Scene

SHELL_COLOR = "#cc79a7"
_WIDER = 1.3  # than the atoms, so that those in the same place are seen inside


def shells(scene: Scene, drawn: Structure, over: Structure) -> np.ndarray:
    """(n, 4) float32 centre and radius of the shells, Å, one for each sphere of a scene.

    Parameters
    ----------
    scene
        Of ``drawn``; the centres of both cells lie together.
    drawn, over
        What the scene shows, and the crystal over it, its sites in the same order: ``Alignment.structure``.
    """
    apart = (over.frac_coords - drawn.frac_coords)[scene.atoms]
    places = scene.positions @ drawn.lattice.inv_matrix + apart
    return np.column_stack([places @ over.lattice.matrix, _WIDER * scene.radii]).astype("<f4")
