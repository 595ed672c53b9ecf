"""The extension finds the neighbours that Python finds, and draws what Python draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure

from tests.crystals import random_crystal
from tests.extension.reading import read_folder
from tests.extension.scenes import assert_same_scene
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.geometry.neighbours import between_metals, structure_neighbours
from xcrystal.explorer.drawing.scene import build_scene

UREA = Structure.from_spacegroup(
    "P-42_1m",
    Lattice.tetragonal(5.565, 4.684),
    ["C", "O", "N", "H", "H"],
    [[0, 0.5, 0.326], [0, 0.5, 0.5953], [0.1459, 0.6459, 0.1766], [0.2575, 0.7575, 0.2827], [0.1441, 0.6441, 0.962]],
)
DRY_ICE = Structure.from_spacegroup("Pa-3", Lattice.cubic(5.55), ["C", "O"], [[0, 0, 0], [0.1185] * 3])


def structures() -> dict[str, Structure]:
    """All types of the gallery, as they are and distorted, and random crystals."""
    rng = np.random.default_rng(11)
    found = {}
    for entry in entries():
        structure = entry.crystal.to_structure()
        found[f"{entry.prototype} as it is"] = structure
        structure = structure.copy()
        structure.apply_strain(rng.uniform(-0.06, 0.1, 3))
        structure.perturb(0.2)
        found[f"{entry.prototype} distorted"] = structure
        found[f"{entry.prototype} in its conventional cell"] = entry.structure
    found |= {"urea": UREA, "dry ice": DRY_ICE}
    for number in range(1, 231, 3):
        found[f"random {number}"] = random_crystal(number, rng).to_structure()
    return found


def test_neighbours_are_those_of_python(tmp_path: Path) -> None:
    given = structures()
    for name, structure in given.items():
        (tmp_path / f"{name}.structure.json").write_text(json.dumps(structure.as_dict()))
    read = read_folder(tmp_path)
    for name in given:
        (crystal,) = read[f"{name}.structure.json"]
        # of the very numbers that the extension read
        structure = Structure(
            crystal["lattice"],
            [site["species"][0]["symbol"] for site in crystal["sites"]],
            [site["position"] for site in crystal["sites"]],
        )
        pairs = structure_neighbours(structure)
        metallic = between_metals(np.array(structure.atomic_numbers), pairs)
        columns = (column.tolist() for column in (pairs.first, pairs.second, pairs.images, metallic))
        expected = sorted((i, j, *cell, both) for i, j, cell, both in zip(*columns, strict=True))
        assert sorted(map(tuple, crystal["neighbours"])) == expected, name
        assert_same_scene(crystal["scene"], build_scene(structure), name)
        assert_same_scene(crystal["filled"], build_scene(structure, style="space-filling"), name)
        assert_same_scene(crystal["without"], build_scene(structure, hidden=("O", "Sr", "C")), name)
