"""Splits by composition: no reduced formula on both sides, whatever the order of rows and atoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections.tables import reduced_composition, row_of, selection_half
from xcrystal.crystal.collections.tokens import Tokens, tokenize
from xcrystal.errors import DatasetError
from xcrystal.training.perovskites import idealized_perovskites, write_idealized_perovskites
from xcrystal.training.recipes import open_run
from xcrystal.training.splitting import (
    GROUPS,
    chemical_system,
    composition_split,
    group_split,
    prototype,
    split_of,
)


def formulas(species: list[list[str]], rows: np.ndarray) -> set[str]:
    return {Composition(" ".join(species[i])).reduced_formula for i in rows}


@pytest.fixture(scope="module")
def species() -> list[list[str]]:
    """Perovskites, each also written with twice the atoms, and with its atoms in another order."""
    once = [list(s) for s in idealized_perovskites().species]
    return once + [s + s for s in once] + [s[::-1] for s in once]


def test_no_reduced_formula_on_both_sides(species: list[list[str]]) -> None:
    train, val = composition_split(species)
    assert sorted([*train, *val]) == list(range(len(species)))
    ours, theirs = formulas(species, train), formulas(species, val)
    assert not ours & theirs
    assert len(theirs) == round(0.1 * len(ours | theirs))


def test_a_seed_is_a_split(species: list[list[str]]) -> None:
    same = [composition_split(species, seed=3)[1] for _ in range(2)]
    assert np.array_equal(same[0], same[1])
    assert not np.array_equal(same[0], composition_split(species, seed=4)[1])
    backwards = species[::-1]
    assert formulas(backwards, composition_split(backwards, seed=3)[1]) == formulas(species, same[0])


def test_one_half_of_the_formulas_chooses(species: list[list[str]]) -> None:
    half = selection_half(species)
    assert half.dtype == bool and half.shape == (len(species),)
    once = half[: len(species) // 3]
    assert np.array_equal(half, np.tile(once, 3)), "however the formula is written"
    assert 0.4 < once.mean() < 0.6
    assert not formulas(species, np.flatnonzero(half)) & formulas(species, np.flatnonzero(~half))
    # of each crystal by itself, for all time: what chose can always be distinguished from what measures
    assert np.array_equal(selection_half(species[::-7]), half[::-7])
    rows = [["Na", "Cl"], ["Sr", "Ti", "O", "O", "O"], ["Si"], ["Mg", "O"], ["Ti", "O", "O"], ["Ga", "As"]]
    assert selection_half(rows).tolist() == [False, False, False, True, True, True]


def test_a_split_needs_two_compositions() -> None:
    train, val = composition_split([["Na", "Cl"], ["K", "Cl"]])
    assert len(train) == len(val) == 1
    with pytest.raises(DatasetError, match="two compositions"):
        composition_split([["Na", "Cl"], ["Cl", "Cl", "Na", "Na"]])


def test_reduced_compositions() -> None:
    assert reduced_composition(["Ti", "O", "O", "Ti", "O", "O"]) == (("O", 2), ("Ti", 1))
    assert reduced_composition(["C", "C"]) == (("C", 1),)


def test_parts_are_written_once_and_a_folder_s_own_split_is_taken(tmp_path: Path) -> None:
    table = write_idealized_perovskites(tmp_path / "data")
    train, val = split_of(tmp_path / "data", tmp_path / "split", seed=1)
    parts = pd.read_parquet(train), pd.read_parquet(val)
    assert sorted([*parts[0].formula, *parts[1].formula]) == sorted(table.formula)
    assert not set(parts[0].formula) & set(parts[1].formula)
    assert list(parts[0].columns) == list(table.columns)
    assert {path.name for path in (tmp_path / "split").iterdir()} == {"train.parquet", "val.parquet"}

    split_of(tmp_path / "data", tmp_path / "split", seed=2, keep=True)
    assert pd.read_parquet(val).equals(parts[1])
    split_of(tmp_path / "data", tmp_path / "split", seed=2)
    assert not pd.read_parquet(val).equals(parts[1])

    own = tmp_path / "split"
    assert split_of(own, tmp_path / "unused") == (own / "train.parquet", own / "val.parquet")
    assert not (tmp_path / "unused").exists()


def test_without_data_there_is_no_split(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no crystals"):
        split_of(tmp_path, tmp_path / "split")


def test_crystals_in_other_files_are_split_too(tmp_path: Path) -> None:
    names = list(CRYSTALS)[:4]
    for name in names:
        CRYSTALS[name].to_structure().to(str(tmp_path / f"{name.split()[-1]}.cif"))
    (tmp_path / "broken.cif").write_text("data_broken")
    parts = split_of(tmp_path, tmp_path / "run")
    tables = [pd.read_parquet(part) for part in parts]
    assert [len(table) for table in tables] == [3, 1]
    assert sorted(pd.concat(tables)["material_id"]) == sorted(name.split()[-1] for name in names)
    assert pd.read_csv(tmp_path / "run" / "skipped.csv")["name"].tolist() == ["broken"]
    split_of(tmp_path, tmp_path / "run")  # which is among the data, and no data itself
    assert [len(pd.read_parquet(part)) for part in parts] == [3, 1]


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return tokenize(idealized_perovskites().iloc[::3], workers=1)


def test_prototypes_and_chemical_systems_have_names() -> None:
    assert prototype(CRYSTALS["perovskite SrTiO3"]) == "221 abc 1:1:3"
    assert prototype(CRYSTALS["rock salt NaCl"]) == "225 ab 1:1"
    assert prototype(CRYSTALS["baddeleyite ZrO2"]) == "14 eee 1:2"
    assert chemical_system(CRYSTALS["perovskite SrTiO3"].elements) == "O-Sr-Ti"


@pytest.mark.parametrize("by", GROUPS)
def test_no_group_on_both_sides(tokens: Tokens, by: str) -> None:
    crystals = tokens.crystals()
    name = {"prototype": prototype, "chemical-system": lambda c: chemical_system(c.elements)}[by]
    if by == "prototype":  # there are two among perovskites, each larger than a share
        tokens = Tokens.joined([tokens, tokenize(table_of(*CRYSTALS), workers=1)])
        crystals = tokens.crystals()
    train, val = group_split(tokens, by, share=0.1, seed=2)
    assert sorted([*train, *val]) == list(range(len(tokens)))
    assert not {name(crystals[i]) for i in train} & {name(crystals[i]) for i in val}
    assert 0 < len(val) <= round(0.1 * len(tokens))
    order = np.random.default_rng(0).permutation(len(tokens))
    again = group_split(tokens.take(order), by, share=0.1, seed=2)[1]
    assert sorted(order[again]) == val.tolist(), "whatever the order"
    assert group_split(tokens, by, share=0.1, seed=3)[1].tolist() != val.tolist()


def test_what_cannot_be_split_is_said(tokens: Tokens, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="two groups"):
        group_split(tokens.take(np.array([0])), "prototype")
    write_idealized_perovskites(tmp_path)
    with pytest.raises(DatasetError, match="chemical-system, prototype"):
        split_of(tmp_path, tmp_path / "split", by="colour")


def test_whole_chemical_systems_are_held_out_of_a_table(tmp_path: Path) -> None:
    table = write_idealized_perovskites(tmp_path / "data").iloc[::6]
    for split in ("train", "val"):  # which is not looked at
        table.to_parquet(tmp_path / "data" / f"{split}.parquet")
    train, val = map(pd.read_parquet, split_of(tmp_path / "data", tmp_path / "split", by="chemical-system"))
    systems = [{"-".join(sorted(set(s))) for s in part.species} for part in (train, val)]
    assert not systems[0] & systems[1]
    assert sorted([*train.material_id, *val.material_id]) == sorted(table.material_id)
    also = [tmp_path / "data" / "val.parquet"]
    with pytest.raises(DatasetError, match="train on one"):
        open_run("toy", tmp_path / "data", tmp_path / "run", device="cpu", also=also, split="prototype")


def table_of(*names: str) -> pd.DataFrame:
    return pd.DataFrame([row_of(CRYSTALS[name].to_structure(), name) for name in names])
