"""SevenNet as a second potential: a real run of it, and what it does not know."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from pymatgen.core import Lattice, Structure

from xcrystal.energetics.background import BackgroundRelaxation
from xcrystal.energetics.potentials import POTENTIALS, calculator, energy_per_atom
from xcrystal.energetics.relaxing import relax
from xcrystal.errors import RelaxationError, TargetError
from xcrystal.evaluation.energies.potential_agreement import evaluate_potentials
from xcrystal.generator import CrystalModel

installed = pytest.mark.skipif(importlib.util.find_spec("sevenn") is None, reason="SevenNet is not installed")


def rock_salt(a: float) -> Structure:
    whole = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3])
    return whole.get_primitive_structure()


@installed
def test_a_stretched_salt_goes_back_to_the_hull() -> None:
    found = BackgroundRelaxation(rock_salt(5.9), potential="sevennet").run(lambda step: None)
    assert found is not None
    assert found.potential == "sevennet"
    assert found.converged
    assert found.structure.volume ** (1 / 3) * 4 ** (1 / 3) == pytest.approx(5.69, abs=0.05)
    assert found.e_above_hull == pytest.approx(0.0, abs=0.05)


@installed
def test_what_it_does_not_know_is_a_sentence() -> None:
    lonely, unknown = (Structure(Lattice.cubic(a), [element], [[0] * 3]) for a, element in ((15.0, "Xe"), (3.4, "Po")))
    with pytest.raises(RelaxationError, match="no neighbours within 5 Å"):
        energy_per_atom(lonely, "sevennet")
    (found,) = relax(unknown, potential="sevennet", progress=False)
    assert found.error == "SevenNet does not know Po."


def test_without_the_package_it_says_what_to_install(model: CrystalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sevenn", None)
    calculator.cache_clear()
    with pytest.raises(RelaxationError, match=r'needs SevenNet: pip install "xcrystal\[relax-sevennet\]"'):
        relax(rock_salt(5.6), potential="sevennet")
    assert POTENTIALS["sevennet"].missing
    with pytest.raises(RelaxationError, match="needs SevenNet"):  # before the first has relaxed anything
        evaluate_potentials(model)
    with pytest.raises(TargetError, match="potential"):
        relax(rock_salt(5.6), potential="sevenet")
