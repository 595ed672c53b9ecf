"""Numbers and crystals as a page without a server reads them: scripts that hold JSON, in which arrays are base64.

A page that is opened from a folder may load scripts and nothing else, so what it shows comes as scripts, too.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.symmetry.conventional import conventional

if TYPE_CHECKING:
    from pymatgen.core import Structure

_KINDS = {"float32": "f4", "uint8": "u1", "uint16": "u2", "int32": "i4"}
_STEPS = 65536  # of a fractional coordinate: 0.0002 Å in a cell of 10 Å


def array(values: np.ndarray) -> list[str]:
    """An array of any shape (...,), row by row: its kind ("f4", "u1", "u2" or "i4") and its bytes as base64."""
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return [_KINDS[values.dtype.name], b64encode(little.tobytes()).decode("ascii")]


def crystals(structures: Iterable[Structure]) -> dict[str, Any]:
    """Decoded crystals in their conventional cells, one after the other.

    Parameters
    ----------
    structures
        Standardized primitive cells with ``properties["space_group"]``, as ``CrystalModel.decode`` gives.

    Returns
    -------
    dict
        Arrays of all n crystals: "groups" and "counts" (of atoms) (n,), "cells" (n, 6) in Å and degrees; of all their
        atoms: "elements" (m,) and "positions" (m, 3), fractional, in 65536ths.
    """
    cells = [conventional(structure) for structure in structures]
    positions = np.concatenate([cell.frac_coords for cell in cells]) if cells else np.zeros((0, 3))
    return {
        "groups": array(np.array([cell.properties["space_group"] for cell in cells], dtype=np.uint8)),
        "counts": array(np.array([len(cell) for cell in cells], dtype=np.uint16)),
        "cells": array(np.array([cell.lattice.parameters for cell in cells], dtype=np.float32)),
        "elements": array(np.array([z for cell in cells for z in cell.atomic_numbers], dtype=np.uint8)),
        "positions": array((np.rint(positions % 1.0 * _STEPS).astype(np.int64) % _STEPS).astype(np.uint16)),
    }


def part(name: str, content: dict[str, Any]) -> str:
    """The script that gives a part of what there is to see to the page."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"xcrystalPage.{name}({text});\n"
