"""The convex hull: against sums done by hand, and against the distances that the table lists."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition

import xcrystal as xc
from xcrystal.energetics.hull import energy_above_hull, hull
from xcrystal.errors import ReadError, RelaxationError
from xcrystal.latent.atlas import Atlas


def atlas_of(**energies: float) -> Atlas:
    table = pd.DataFrame(
        {
            "material_id": [f"own-{formula}" for formula in energies],
            "formula": list(energies),
            "formation_energy_per_atom": list(energies.values()),
            "x": 0.0,
            "y": 0.0,
        }
    )
    return Atlas("own", table, np.zeros((len(table), 2), dtype=np.float32), {}, None)


SALTS = atlas_of(NaCl=-2.0, NaCl7=-0.1)


def test_a_binary_by_hand() -> None:
    found = hull("Na3Cl", -0.6, atlas=SALTS)  # half of its atoms could be NaCl
    assert found.e_above_hull == pytest.approx(0.4)
    assert found.reaction == "Na3Cl → NaCl + 2 Na"
    amounts = {phase.formula: (phase.material_id, phase.amount) for phase in found.decomposition}
    assert amounts == {"NaCl": ("own-NaCl", pytest.approx(0.5)), "Na": ("", pytest.approx(0.5))}
    (unstable,) = [phase for phase in found.competing if phase.formula == "NaCl7"]
    assert unstable.e_above_hull == pytest.approx(0.4)  # a quarter of its atoms could be NaCl
    assert found.to_dict()["reaction"] == found.reaction


def test_below_the_hull_is_negative() -> None:
    assert hull("NaCl3", -1.5, atlas=SALTS).e_above_hull == pytest.approx(-0.5)
    assert energy_above_hull(Composition("Na2Cl6"), -1.5, SALTS) == pytest.approx(-0.5)


def test_a_formula_alone_has_a_decomposition_and_no_distance() -> None:
    found = xc.hull("Na3Cl", atlas=SALTS)
    assert math.isnan(found.e_above_hull)
    assert found.reaction == "Na3Cl → NaCl + 2 Na"
    assert "on the hull" in xc.hull("Na2Cl2", atlas=SALTS).reaction


def test_distances_are_those_of_the_table() -> None:
    table = xc.atlas("mp20").table
    known = table[table["in_train"] & table["e_above_hull"].notna() & table["formation_energy_per_atom"].notna()]
    some = known.sample(60, random_state=0)
    off = [
        energy_above_hull(Composition(row.formula), row.formation_energy_per_atom) - row.e_above_hull
        for row in some.itertuples()
    ]
    assert np.median(np.abs(off)) < 0.005
    assert np.mean(np.abs(off)) < 0.02
    assert np.mean(np.abs([o + row.e_above_hull for o, row in zip(off, some.itertuples(), strict=True)])) > 0.02


def test_two_and_three_elements_are_drawn() -> None:
    for formula, energy in (("Na3Cl", -0.6), ("NaCl3", -1.5), ("LiFeO2", -1.6), ("LiFeO2", None)):
        found = hull(formula, energy, atlas=SALTS if "Na" in formula else "mp20")
        names = [trace.name for trace in found.figure().data]
        assert ("this crystal" in names) == (energy is not None)
    with pytest.raises(RelaxationError, match="of 4 elements is not drawn"):
        hull("LiFePO4", -2.0).figure()


def test_isotopes_are_their_elements() -> None:
    water = atlas_of(H2O=-1.0)
    found = hull("HDO", -0.8, atlas=water)
    assert (found.formula, found.e_above_hull) == ("H2O", pytest.approx(0.2))


def test_what_is_no_crystal_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no file"):
        hull(str(tmp_path / "none.cif"))
    with pytest.raises(RelaxationError, match="hull of 9 elements"):
        hull("LiNaKRbCsFClBrI", -1.0)
    for energy in (math.inf, "low"):
        with pytest.raises(RelaxationError, match="a finite number"):
            hull("NaCl", energy)  # type: ignore[arg-type]
    for formula in ("Fe0", "XCl", "Fe1e-9"):
        with pytest.raises(ReadError, match="no formula of chemical elements"):
            hull(formula, atlas=SALTS)
    bare = atlas_of(NaCl=-2.0)
    bare.table = bare.table.drop(columns="formation_energy_per_atom")
    with pytest.raises(RelaxationError, match="no formation energies"):
        hull("NaCl", -2.0, atlas=bare)


def test_a_hull_is_told_in_a_line_and_a_table() -> None:
    found = xc.hull("LiFeO2", -1.9)
    assert repr(found).startswith("Hull('LiFeO2', 0.")
    assert "eV/atom above the hull" in repr(found)
    assert "energy not known" in repr(xc.hull("LiFeO2"))
    assert "below the hull" in repr(xc.hull("LiFeO2", -9.0))
    assert found._repr_html_().count("<tr>") == 1 + len(found.competing)


def test_a_misspelt_formula_is_told_from_a_missing_file() -> None:
    with pytest.raises(ReadError, match="'Lifeo2' is neither a formula nor the path of a file"):
        xc.hull("Lifeo2")
    for path in ("lifeo2.cif", "folder/lifeo2"):
        with pytest.raises(ReadError, match="There is no file"):
            xc.hull(path)


def test_a_formula_is_no_path_even_where_a_folder_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "NaCl").mkdir()
    monkeypatch.chdir(tmp_path)
    assert hull("NaCl", -2.0, atlas=SALTS).e_above_hull == pytest.approx(0.0)


def test_the_table_gives_each_element_its_own_amount() -> None:
    rows = hull("Na3Cl9", -0.05, atlas=atlas_of(K=0.0))._repr_html_().split("<tr>")
    amounts = {element: row for element in ("Na", "Cl2") for row in rows if f"<td>{element}</td>" in row}
    assert "0.25" in amounts["Na"] and "0.75" in amounts["Cl2"]
