"""Crystals by their ids, from a database of our own that answers as the Materials Project does."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.crystals import CRYSTALS
from xcrystal.crystal.collections import fetching
from xcrystal.crystal.collections.fetching import (
    FIELDS,
    VALIDATION_IDS,
    fetch,
    id_key,
    ids_in,
    materials_project,
    read_ids,
)
from xcrystal.crystal.collections.tables import PROPERTIES, read_table, structures
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError, FetchError

IDS = [f"mp-{100 + i}" for i in range(len(CRYSTALS))]


@dataclass
class Database:
    """Answers in its own order, of what it knows; may lose its network after some requests."""

    as_objects: bool = False
    lost_after: int | None = None
    asked: list[list[str]] = field(default_factory=list)

    def __call__(self, ids: list[str]) -> Iterable[Any]:
        if self.lost_after is not None and len(self.asked) >= self.lost_after:
            raise ConnectionError("Max retries exceeded\nwith url: /materials/summary")
        self.asked.append(ids)
        documents = []
        for i, (name, crystal) in enumerate(zip(IDS, CRYSTALS.values(), strict=True)):
            if name not in ids:
                continue
            structure = crystal.to_structure()
            values = {"formation_energy_per_atom": -0.1 * i, "band_gap": None, "energy_above_hull": 0.01 * i}
            document = {"material_id": name, "structure": structure if self.as_objects else structure.as_dict()}
            documents.append(SimpleNamespace(**document, **values) if self.as_objects else document | values)
        return documents[::-1]


@pytest.mark.parametrize("as_objects", [False, True])
def test_the_table_is_in_our_format(tmp_path: Path, as_objects: bool) -> None:
    out = tmp_path / "val.parquet"
    found = fetch([*IDS, "mvc-5"], out, Database(as_objects))
    assert found.crystals == len(IDS)
    assert found.missing == {"mvc-5": "not found"}
    table = read_table(out)
    assert table["material_id"].tolist() == IDS
    assert set(PROPERTIES) == set(FIELDS) < set(table.columns)
    np.testing.assert_allclose(table["formation_energy_per_atom"], -0.1 * np.arange(len(IDS)))
    np.testing.assert_allclose(table["e_above_hull"], 0.01 * np.arange(len(IDS)))
    assert table["band_gap"].isna().all()
    for structure, crystal, formula in zip(structures(table), CRYSTALS.values(), table["formula"], strict=True):
        rms = match_rms(structure, crystal.to_structure(), scale=False)
        assert rms is not None and rms < 1e-6
        assert formula == structure.composition.reduced_formula
    assert list(tmp_path.iterdir()) == [out]


def test_nothing_is_lost_with_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "CHUNK", 4)
    out = tmp_path / "val.parquet"
    with pytest.raises(FetchError, match=f"8 of {len(IDS)} are in") as caught:
        fetch(IDS, out, Database(lost_after=2))
    assert "\n" not in str(caught.value)
    assert len(read_table(out)) == 8
    again = Database()
    assert fetch(IDS, out, again).crystals == len(IDS)
    assert [name for chunk in again.asked for name in chunk] == IDS[8:]
    assert max(map(len, again.asked)) == 4
    assert read_table(out)["material_id"].tolist() == IDS
    whole = tmp_path / "whole.parquet"
    fetch(IDS, whole, Database())
    pd.testing.assert_frame_equal(read_table(out), read_table(whole))
    complete = Database()
    fetch(IDS, out, complete)
    assert complete.asked == []
    with pytest.raises(FetchError, match="did not answer"):
        fetch(IDS, tmp_path / "none.parquet", Database(lost_after=0))
    assert not (tmp_path / "none.parquet").exists()


def test_ids_in_the_database_s_other_spelling(tmp_path: Path) -> None:
    """Newer releases write the number of an id in base 26."""

    def search(ids: list[str]) -> list[dict[str, Any]]:
        assert ids == ["mp-149"]
        return [{"material_id": "mp-aaaaaaft", "structure": CRYSTALS["diamond C"].to_structure()}]

    assert fetch(["mp-149"], tmp_path / "a.parquet", search).missing == {}
    assert read_table(tmp_path / "a.parquet")["material_id"].tolist() == ["mp-149"]
    assert id_key("mp-149") == id_key("mp-ft") != id_key("mvc-149")
    assert id_key("mp-12101") == id_key("mp-rxl")
    assert id_key("mp-12101") != id_key("mp-12102")


def test_an_answer_without_a_crystal_is_named(tmp_path: Path) -> None:
    flat = CRYSTALS["diamond C"].to_structure().as_dict()
    flat["lattice"]["matrix"][2] = flat["lattice"]["matrix"][1]
    answers = [{"material_id": "mp-1", "structure": None}, {"material_id": "mp-2", "structure": flat}]
    found = fetch(["mp-1", "mp-2"], tmp_path / "a.parquet", lambda ids: answers)
    assert found.crystals == 0
    assert "no structure" in found.missing["mp-1"]
    assert "flat" in found.missing["mp-2"]
    assert not (tmp_path / "a.parquet").exists()


def test_a_table_of_others_is_left_alone(tmp_path: Path, crystal_table: Path) -> None:
    before = crystal_table.read_bytes()
    with pytest.raises(DatasetError, match="other crystals"):
        fetch(IDS, crystal_table, Database())
    assert crystal_table.read_bytes() == before
    with pytest.raises(DatasetError, match="no folder"):
        fetch(IDS, tmp_path / "none" / "val.parquet", Database())


def test_the_bundled_ids() -> None:
    ids = read_ids("validation")
    assert len(ids) == len(set(ids)) == 979
    assert {name.split("-")[0] for name in ids} == {"mp", "mvc"}
    assert VALIDATION_IDS.stat().st_size < 12_000


def test_a_list_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("# mine\nmp-2\n\n mp-1 \r\nmp-2\nmp-ft\n")
    assert read_ids(path) == ["mp-2", "mp-1", "mp-ft"]
    for text, said in [("", "no ids"), ("# none\n", "no ids"), ("mp-1\nsilicon\n", "line 2"), ("mp-1,mp-2", "line 1")]:
        path.write_text(text)
        with pytest.raises(DatasetError, match=said):
            read_ids(path)
    path.write_bytes(b"\xff\xfe")
    for missing in (path, tmp_path, tmp_path / "none.txt"):
        with pytest.raises(DatasetError, match="no list"):
            read_ids(missing)


def test_ids_of_chemical_systems() -> None:
    def find(systems: list[str]) -> list[dict[str, Any]]:
        return [
            {"material_id": name}
            for name, crystal in zip(IDS, CRYSTALS.values(), strict=True)
            if crystal.to_structure().chemical_system in systems
        ] * 2

    salt, titanate = IDS[0], IDS[2]
    assert ids_in(["Ti-O-Sr", "Na-Cl"], find) == [salt, titanate]
    for wrong in ("NaCl", "na-cl", "Na-Na", "", "Na,Cl"):
        with pytest.raises(DatasetError, match="no chemical system"):
            ids_in([wrong], find)
    with pytest.raises(DatasetError, match="no crystals of Au-Xe"):
        ids_in(["Au-Xe"], find)
    with pytest.raises(FetchError, match="did not answer"):
        ids_in(["Na-Cl"], Database(lost_after=0))


def test_without_key_or_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MP_API_KEY", raising=False)
    with pytest.raises(FetchError, match="MP_API_KEY"):
        materials_project()
    monkeypatch.setitem(sys.modules, "mp_api", None)
    with pytest.raises(FetchError, match=r"pip install 'xcrystal\[mp\]'"):
        materials_project("mine")
