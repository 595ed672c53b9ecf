"""Designs: constraints hold, predictions are of the crystals themselves, the same seed gives the same; files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Structure

from xcrystal.crystal.geometry.pair_distances import short_contacts
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.energetics.hull import hull
from xcrystal.errors import CapabilityError, TargetError, TargetWarning
from xcrystal.generator import CrystalModel
from xcrystal.inverse_design.candidates import Design
from xcrystal.inverse_design.design_targets import read_targets
from xcrystal.inverse_design.designing import Search, conditional_prior, design
from xcrystal.inverse_design.likelihood import probabilities
from xcrystal.latent.atlas import Atlas

WANTED = {"band_gap": (2.0, 5.0), "elements": {"require": ["O"], "exclude": ["Pb", "Cd"]}, "crystal_system": "cubic"}


@pytest.fixture(scope="module")
def found(model: CrystalModel, atlas: Atlas) -> Design:
    return design(model, atlas=atlas, **WANTED, n=4, draws=128)


def test_constraints_are_held_as_others_see_them(found: Design) -> None:
    assert len(found) == 4
    assert found.known > 10
    for structure in found.structures:
        elements = {site.specie.symbol for site in structure}
        assert "O" in elements
        assert not elements & {"Pb", "Cd"}
        assert canonicalize(structure).crystal.space_group >= 195
    kinds = {(one.formula, one.group) for one in found.candidates}
    assert len(kinds) == 4


def test_predictions_are_those_of_the_crystals_themselves(model: CrystalModel, found: Design) -> None:
    own = model.encode(found.structures)
    predicted = model.predict(own)["band_gap"]
    assert [one.predicted["band_gap"] for one in found.candidates] == pytest.approx(predicted.tolist(), abs=0.05)
    for one in found.candidates:
        low, high = one.intervals["band_gap"]
        assert low <= one.predicted["band_gap"] <= high
        assert 0 <= one.probability <= 1


def test_what_is_returned_is_what_the_latent_vectors_decode_to(model: CrystalModel, found: Design) -> None:
    for decoded, structure in zip(model.decode(found.z), found.structures, strict=True):
        assert decoded.composition == structure.composition
        assert decoded.properties["space_group"] == structure.properties["space_group"]


def test_conditions_draw_towards_what_is_wanted(model: CrystalModel, found: Design) -> None:
    assert np.mean([2.0 <= one.predicted["band_gap"] <= 5.0 for one in found.candidates]) >= 0.75
    assert found.kept > 0.2 * found.draws  # of plain draws less than 5 % are cubic oxides


def test_a_seed_gives_the_same_and_progress_can_stop(model: CrystalModel, atlas: Atlas) -> None:
    told: list[float] = []

    def stop_at_once(share: float, words: str) -> bool:
        told.append(share)
        return len(told) < 2

    one, other = (
        design(model, atlas=atlas, formation_energy_per_atom=(None, -1), n=2, draws=64, seed=3) for _ in range(2)
    )
    assert one.to_csv() == other.to_csv()
    given = {"band_gap": (1, 6), "n": 50, "draws": 5000}
    stopped = design(model, atlas=atlas, **given, sources=["prior"], progress=stop_at_once)
    assert stopped.draws == 256


def test_crystals_come_from_both_sources_and_without_short_contacts(found: Design) -> None:
    assert {one.source for one in found.candidates} <= {"prior", "exchange"}
    for structure in found.structures:
        arrays = structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers)
        assert short_contacts(*arrays) == []
    assert found.table["in_range"].tolist() == [found.in_range(one) for one in found.candidates]


def test_each_source_is_asked_alone(model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xcrystal.inverse_design.designing._EXCHANGED", 48)
    for source in ("prior", "exchange"):
        one = design(model, atlas=atlas, elements={"require": ["O"]}, n=2, draws=48, sources=[source])
        assert {each.source for each in one.candidates} == {source}
        assert (one.draws == 0) == (source == "exchange")
    for wrong, said in ((["magic"], "magic"), ([], "at least one")):
        with pytest.raises(TargetError, match=said):
            design(model, atlas=atlas, elements={"require": ["O"]}, sources=wrong)


def test_candidates_are_sorted_by_a_column(found: Design) -> None:
    energies = found.sorted_by("formation_energy_per_atom").table["formation_energy_per_atom"]
    assert energies.is_monotonic_increasing
    assert sorted(energies) == pytest.approx(sorted(found.table["formation_energy_per_atom"]))
    with pytest.raises(TargetError, match="colour"):
        found.sorted_by("colour")


def test_a_potential_rejects_what_is_far_above_the_hull(
    model: CrystalModel, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("chgnet")
    monkeypatch.setattr("xcrystal.inverse_design.designing._EXCHANGED", 64)
    given = {"elements": {"require": ["O"]}, "n": 3, "draws": 64, "atlas": atlas}
    asked = design(model, **given, potential="chgnet")
    assert all(one.above_hull <= 0.5 for one in asked.candidates)
    one = asked.candidates[0]
    assert one.above_hull == pytest.approx(hull(one.structure, atlas=atlas).e_above_hull, abs=1e-4)
    assert design(model, **given).table["potential_above_hull"].isna().all()
    with pytest.raises(TargetError, match="potential"):
        design(model, **given, potential="magic")


def test_near_a_crystal_are_its_relatives(model: CrystalModel, atlas: Atlas) -> None:
    near = model.design(atlas=atlas, near="mp-5986", elements={"require": ["O"]}, n=3, draws=64)
    far = model.design(atlas=atlas, elements={"require": ["O"]}, n=3, draws=64)
    z = atlas.z[atlas.row("mp-5986")]
    assert np.linalg.norm(near.z - z, axis=1).mean() < np.linalg.norm(far.z - z, axis=1).mean()


@pytest.mark.filterwarnings("ignore:Issues encountered while parsing CIF")  # a coordinate that is nearly 1/3
def test_it_is_saved_and_drawn(found: Design, tmp_path: Path) -> None:
    folder = found.save(tmp_path / "new")
    table = pd.read_csv(folder / "candidates.csv")
    assert table["formula"].tolist() == [one.formula for one in found.candidates]
    files = sorted(folder.glob("*.cif"))
    assert [Structure.from_file(file).composition.reduced_formula for file in files] == table["formula"].tolist()
    figure = found.figure("band_gap", "formation_energy_per_atom")
    assert len(figure.data[1].x) == len(found)
    assert "<table>" in found._repr_html_()
    with pytest.raises(TargetError, match="nonsense"):
        found.figure("nonsense")
    (tmp_path / "file").write_text("")
    with pytest.raises(TargetError, match="is a file"):
        found.save(tmp_path / "file")


def test_a_folder_of_candidates_is_not_mixed_with_others(found: Design, tmp_path: Path) -> None:
    found.save(tmp_path)
    with pytest.raises(TargetError, match="already holds candidates"):
        found.save(tmp_path)


def test_a_range_beyond_the_data_is_drawn_where_it_was_asked_for(model: CrystalModel, atlas: Atlas) -> None:
    with pytest.warns(TargetWarning, match="extrapolation"):
        found = design(model, atlas=atlas, band_gap=(20, 22), n=1, draws=32)
    (shape,) = found.figure("band_gap", "formation_energy_per_atom").layout.shapes
    assert (shape.x0, shape.x1) == (20, 22)


def test_an_empty_design_has_its_columns(found: Design) -> None:
    none = replace(found, candidates=())
    assert none.table[["formula", "valid"]].empty
    assert none.z.shape == (0, found.z.shape[1])
    assert none.to_csv().startswith("candidate,formula")


def test_a_structure_type_is_drawn_in_its_space_groups(model: CrystalModel, atlas: Atlas) -> None:
    groups = Search(model, atlas, read_targets(prototype="spinel"), 0).conditions(64).group
    assert np.median(groups) == 227
    assert not Search(model, atlas, read_targets(elements={"require": ["O"]}), 0).conditions(64).group.any()


def test_probabilities_are_what_intervals_say(model: CrystalModel, atlas: Atlas) -> None:
    z = atlas.z[:50]
    for level in (0.5, 0.9):
        low, high = model.predict_interval(z, level)["formation_energy_per_atom"].T
        for k in range(3):
            targets = read_targets(formation_energy_per_atom=(low[k], high[k]))
            assert probabilities(model, z[k : k + 1], targets)[0] == pytest.approx(level, abs=0.01)
    both = [read_targets(band_gap=ends) for ends in ((None, 1.0), (1.0, None))]
    assert sum(probabilities(model, z, one) for one in both) == pytest.approx(np.ones(50), abs=1e-6)


def test_a_model_without_a_conditional_prior_says_so(model: CrystalModel, tmp_path: Path) -> None:
    other = CrystalModel(model.network, "toy", model.facts, model.device)
    with pytest.raises(CapabilityError, match="fit-design-prior"):
        conditional_prior(other)
