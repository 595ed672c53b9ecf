"""What the crystals of an atlas are, as arrays: properties, elements and symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.elements import MAX_Z
from xcrystal.crystal.symmetry.groups import CRYSTAL_SYSTEMS, crystal_system
from xcrystal.model.flow_conditions import ELEMENTS, Conditions

if TYPE_CHECKING:
    from xcrystal.crystal.collections.tokens import Tokens
    from xcrystal.latent.atlas import Atlas

_SYSTEM_OF = np.array([-1, *(CRYSTAL_SYSTEMS.index(crystal_system(number)) for number in range(1, 231))])


def known_conditions(atlas: Atlas) -> Conditions:
    """What is known of each crystal of an atlas; read once an atlas."""
    if "_conditions" not in vars(atlas):
        vars(atlas)["_conditions"] = _read(atlas)
    found: Conditions = vars(atlas)["_conditions"]
    return found


def _read(atlas: Atlas) -> Conditions:
    table, count = atlas.table, len(atlas)
    properties = np.full((count, len(PROPERTIES)), np.nan, dtype=np.float32)
    for k, name in enumerate(PROPERTIES):
        if name in table:
            properties[:, k] = table[name].to_numpy(dtype=np.float32)
    elements = np.zeros((count, ELEMENTS), dtype=np.int8)
    for row, formula in enumerate(atlas.row_formulas):
        if formula is not None:
            elements[row, 1 : MAX_Z + 1] = -1
            elements[row, [z for z, _ in formula]] = 1
    groups = np.zeros(count, dtype=np.int64)
    if "space_group" in table:
        groups = table["space_group"].to_numpy(dtype=np.int64)
    source = np.where(atlas.in_train, 1, -1).astype(np.int8)
    return Conditions(properties, elements, groups, system_of(groups), source)


def conditions_of(tokens: Tokens) -> Conditions:
    """What is known of the crystals of a table, taken for crystals of the training data."""
    elements = np.full((len(tokens), ELEMENTS), -1, dtype=np.int8)
    elements[:, 0] = elements[:, MAX_Z + 1 :] = 0
    elements[np.repeat(np.arange(len(tokens)), np.diff(tokens.start)), tokens.element] = 1
    groups = tokens.group.astype(np.int64)
    source = np.ones(len(tokens), dtype=np.int8)
    return Conditions(tokens.properties.astype(np.float32), elements, groups, system_of(groups), source)


def system_of(groups: np.ndarray) -> np.ndarray:
    """(n,) crystal systems, 0 (triclinic) to 6 (cubic), of space group numbers (n,); -1 of 0."""
    return _SYSTEM_OF[groups]
