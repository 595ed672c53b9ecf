"""One crystal is laid over another, whatever cell, origin, orientation and hand it came in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.aligning import align, aligned
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.conventional import conventional

CHIRAL = ("quartz SiO2", "triclinic P1")
QUARTZ = CRYSTALS["quartz SiO2"].to_structure()
LEFT_QUARTZ = Structure(QUARTZ.lattice, QUARTZ.species, -QUARTZ.frac_coords)  # its mirror image, space group 154


def otherwise(structure: Structure, rng: np.random.Generator, *, mirror: bool = False) -> Structure:
    """The same crystal in another cell, origin and orientation, or its mirror image; its atoms in another order."""
    cell = np.eye(3, dtype=int)
    for _ in range(4):
        row, other = rng.choice(3, 2, replace=False)
        cell[row] += rng.integers(-1, 2) * cell[other]
    large = structure.make_supercell(cell, in_place=False)
    turn = Rotation.random(random_state=int(rng.integers(1 << 31))).as_matrix() @ np.diag([1, 1, -1 if mirror else 1])
    order = rng.permutation(len(large))
    points = (large.frac_coords + rng.random(3)) % 1
    return Structure(Lattice(large.lattice.matrix @ turn), [large[k].specie for k in order], points[order])


@settings(deadline=None)
@given(name=st.sampled_from(sorted(CRYSTALS)), seed=st.integers(0, 1 << 20), mirror=st.booleans(), whole=st.booleans())
def test_a_copy_lies_on_the_original(name: str, seed: int, mirror: bool, whole: bool) -> None:
    structure = CRYSTALS[name].to_structure()
    original = conventional(structure) if whole else structure
    found = align(original, otherwise(structure, np.random.default_rng(seed), mirror=mirror))
    assert found is not None
    np.testing.assert_allclose(found.structure.lattice.matrix, original.lattice.matrix, atol=1e-4)
    np.testing.assert_allclose(found.structure.cart_coords, original.cart_coords, atol=1e-3)  # Å
    assert found.structure.species == original.species and found.rms < 1e-4
    assert found.mirrored == (mirror and name in CHIRAL)


def test_the_other_quartz_is_a_mirror_image() -> None:
    found = align(QUARTZ, LEFT_QUARTZ)
    assert found is not None and found.mirrored and found.rms < 0.01
    back = align(LEFT_QUARTZ, found.own_hand)  # in the cell of the first, but as it is
    assert back is not None and not back.mirrored and back.rms < 1e-4
    np.testing.assert_allclose(found.own_hand.lattice.matrix, QUARTZ.lattice.matrix, atol=1e-4)
    same = align(QUARTZ, QUARTZ)
    assert same is not None and same.own_hand is same.structure


def test_distances_are_those_of_the_crystal_that_is_laid_over() -> None:
    original = conventional(CRYSTALS["rutile TiO2"].to_structure())
    swollen = original.copy()
    swollen.apply_strain([0.02, 0.02, -0.03])
    swollen.translate_sites([2], [0.03, 0, 0])
    found = align(original, otherwise(swollen, np.random.default_rng(3)))
    assert found is not None
    np.testing.assert_allclose(found.structure.lattice.parameters, swollen.lattice.parameters, atol=1e-6)
    distances = [np.sort(one.distance_matrix.ravel()) for one in (found.structure, swollen)]
    np.testing.assert_allclose(*distances, atol=1e-6)
    assert found.rms == pytest.approx(match_rms(original, swollen), rel=0.02)
    assert np.abs(found.structure.frac_coords - original.frac_coords).max() < 0.04  # each beside its counterpart


def test_supercells_and_site_properties() -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    decode = salt.copy(site_properties={"orbit": [0, 1]}, properties={"space_group": 225})
    original = conventional(salt) * (2, 1, 1)
    found = align(original, decode)
    assert found is not None and len(found.structure) == 16
    assert found.structure.properties["space_group"] == 225
    orbits = {site.specie.symbol: site.properties["orbit"] for site in found.structure}
    assert orbits == {"Na": 0, "Cl": 1}


def test_what_does_not_match_stays_as_it_is() -> None:
    salt, perovskite = (CRYSTALS[name].to_structure() for name in ("rock salt NaCl", "perovskite SrTiO3"))
    assert align(salt, perovskite) is None and aligned(salt, perovskite) is perovskite
    mixed = Structure(salt.lattice, [{"Na": 0.5, "K": 0.5}, "Cl"], salt.frac_coords)
    assert align(mixed, salt) is None and align(salt, mixed) is None
