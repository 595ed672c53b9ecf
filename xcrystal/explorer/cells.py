"""The conventional cell of a decoded crystal, which shows its symmetry to the eye."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.groups import space_group

if TYPE_CHECKING:
    from pymatgen.core import Structure

_recent: deque[tuple[Structure, Structure]] = deque(maxlen=4)  # every view asks for it, and compares by identity


def conventional_cell(structure: Structure) -> Structure:
    """The conventional cell of a decode, with its properties and site properties.

    The same object again for a structure that was asked for lately.

    Parameters
    ----------
    structure
        A standardized primitive cell with ``properties["space_group"]``, as ``CrystalModel.decode`` gives.
    """
    for source, found in tuple(_recent):
        if source is structure:
            return found
    conventional = _conventional_cell(structure)
    _recent.append((structure, conventional))
    return conventional


def _conventional_cell(structure: Structure) -> Structure:
    from pymatgen.core import Structure

    group = space_group(int(structure.properties["space_group"]))
    copies = len(group.centring)
    if copies == 1:
        return structure
    basis = np.linalg.inv(group.primitive).T @ structure.lattice.matrix
    points = structure.frac_coords @ group.primitive.T
    return Structure(
        basis,
        [site.specie for site in structure for _ in range(copies)],
        (points[:, None] + group.centring[None]).reshape(-1, 3) % 1.0,
        site_properties={
            name: [v for v in values for _ in range(copies)] for name, values in structure.site_properties.items()
        },
        properties=dict(structure.properties),
    )
