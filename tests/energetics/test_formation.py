"""Reference energies: recovered from energies that were made of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Composition

from xcrystal.energetics.formation import References, fit_references, formation_energy, references
from xcrystal.errors import TargetError
from xcrystal.training.reference_fit import RARE, chosen

TRUE = {"Na": -1.3, "Cl": -1.8, "Mg": -1.6, "O": -4.9}
FORMULAS = ("NaCl", "Na3Cl", "MgO", "MgO2", "Na2O", "NaO", "MgCl2", "Mg", "Na", "ClO2", "NaClO3", "MgNa")


def test_references_are_recovered_in_spite_of_an_outlier(tmp_path: Path) -> None:
    compositions = [Composition(formula) for formula in FORMULAS]
    formation = np.linspace(-2.0, 0.0, len(FORMULAS))
    shares = [composition.fractional_composition.get_el_amt_dict() for composition in compositions]
    energies = formation + [sum(x * TRUE[element] for element, x in share.items()) for share in shares]
    energies[3] += 5.0
    found = fit_references(compositions, energies, formation, "own")
    assert found.elements == pytest.approx(TRUE, abs=0.02)
    assert found.crystals == len(FORMULAS)
    assert found.median_error < 0.02 < found.mean_error
    found.save(tmp_path / "own.json")
    assert '"own"' in (tmp_path / "own.json").read_text(encoding="utf-8")


def test_a_formation_energy_is_that_above_the_elements() -> None:
    known: References = references("chgnet")
    energy = 0.5 * (known.elements["Na"] + known.elements["Cl"]) - 2.0
    assert formation_energy(Composition("Na4Cl4"), energy) == pytest.approx(-2.0)
    assert math.isnan(formation_energy(Composition("PoO2"), -5.0))
    assert len(known.elements) > 80
    assert known.median_error < 0.02
    with pytest.raises(TargetError, match="reference energies 'emt'"):
        references("emt")


def test_crystals_of_rare_elements_are_all_taken() -> None:
    species = [["Na", "Cl"]] * 200 + [["Xe", "F"]] * 5 + [["Mg", "O"]] * 100
    places = chosen(species, 50, 0)
    assert set(range(200, 205)) <= set(places)
    assert sum(place >= 205 for place in places) >= min(RARE, 100)
    assert len(places) < 120
    assert places[:50] == np.random.default_rng(0).permutation(305)[:50].tolist()
