"""The conventional cell of a standardized primitive cell: the one in which people see the symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.symmetry.groups import space_group

if TYPE_CHECKING:
    from pymatgen.core import Structure


def conventional(structure: Structure) -> Structure:
    """The conventional cell, with the properties and site properties of the primitive one.

    Parameters
    ----------
    structure
        A standardized primitive cell with ``properties["space_group"]``, as ``WyckoffCrystal.to_structure`` gives. It
        is returned itself where the two cells are the same.
    """
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
