"""What people type into the search box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from xcrystal.errors import ReadError
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.searching import CLASSES, EXAMPLE, best, nothing, ranked, search, understand


def formulas(atlas: Atlas, query: str) -> set[str]:
    return set(atlas.table["formula"].iloc[search(atlas, query)])


@pytest.mark.parametrize("query", ["SrTiO3", "TiSrO3", "O3TiSr", "Sr2Ti2O6", "SrTiO₃"])
def test_a_formula_in_any_writing(atlas: Atlas, query: str) -> None:
    assert formulas(atlas, query) == {"SrTiO3"}


def test_elements_and_systems_are_what_pymatgen_reads(atlas: Atlas) -> None:
    parts = [frozenset(map(str, Composition(formula).elements)) for formula in atlas.table["formula"]]
    expected = {
        "Ti": [i for i, p in enumerate(parts) if "Ti" in p],
        "contains Ti": [i for i, p in enumerate(parts) if "Ti" in p],
        "Ti O": [i for i, p in enumerate(parts) if {"Ti", "O"} <= p],
        "Ti, O and Sr": [i for i, p in enumerate(parts) if {"Ti", "O", "Sr"} <= p],
        "Sr-Ti-O": [i for i, p in enumerate(parts) if p == {"Ti", "O", "Sr"}],
        "oxide": [i for i, p in enumerate(parts) if "O" in p],
        "halides": [i for i, p in enumerate(parts) if p & {"F", "Cl", "Br", "I"}],
        "ternary": [i for i, p in enumerate(parts) if len(p) == 3],
        "elements > 4": [i for i, p in enumerate(parts) if len(p) > 4],
        "no O": [i for i, p in enumerate(parts) if "O" not in p],
        "Ti without oxides": [i for i, p in enumerate(parts) if "Ti" in p and "O" not in p],
    }
    for query, rows in expected.items():
        assert search(atlas, query).tolist() == rows, query


def test_anonymous_formulas(atlas: Atlas) -> None:
    of_kind = [Composition(formula).anonymized_formula for formula in atlas.table["formula"]]
    for query in ("ABX3", "ABC3", "AMX3", "A2B2X6"):
        assert search(atlas, query).tolist() == [i for i, kind in enumerate(of_kind) if kind == "ABC3"], query
    assert "SrTiO3" in formulas(atlas, "ABO3") and "CsPbI3" not in formulas(atlas, "ABO3")
    assert {"BaTiO3", "CaTiO3"} <= formulas(atlas, "ATiO3")
    assert "NaCl" in formulas(atlas, "AX")


def test_comparisons_follow_the_table(atlas: Atlas) -> None:
    table = atlas.table
    gap, energy = (table[name].to_numpy(dtype=float) for name in ("band_gap", "formation_energy_per_atom"))
    expected = {
        "band_gap > 2": gap > 2,
        "gap>2 eV": gap > 2,
        "Band gap ≥ 2": gap >= 2,
        "1 < gap <= 2.5": (gap > 1) & (gap <= 2.5),
        "energy < -1": energy < -1,
        "formation energy < -1 eV/atom and gap > 1": (energy < -1) & (gap > 1),
        "crystals with gap > 3, oxide": (gap > 3) & table["formula"].str.contains(r"O(?![a-z])"),
        "x > 2": table["x"] > 2,
        "hull = 0": table["e_above_hull"] <= 0.005,
        "metal": gap <= 1e-3,
    }
    for query, holds in expected.items():
        assert search(atlas, query).tolist() == np.flatnonzero(holds).tolist(), query


@pytest.mark.parametrize(
    ("query", "number"),
    [("space group 221", 221), ("sg:221", 221), ("SG 221", 221), ("spacegroup = 221", 221), ("Pm-3m", 221),
     ("pm-3m", 221), ("Fm-3m", 225), ("P6_3/mmc", 194), ("P63/mmc", 194), ("space group P63/mmc", 194), ("Pbca", 61),
     ("sg C2", 5), ("P1", 1)],
)  # fmt: skip
def test_space_groups(atlas: Atlas, query: str, number: int) -> None:
    assert search(atlas, query).tolist() == np.flatnonzero(atlas.table["space_group"] == number).tolist()


def test_what_could_be_two_things(atlas: Atlas) -> None:
    assert understand(atlas, "P2")[0].words == "formula P2"
    assert understand(atlas, "P222")[0].words.startswith("space group 16")
    assert understand(atlas, "Pm")[0].words == "contains Pm"
    assert understand(atlas, "Pc")[0].words.startswith("space group 7")


def test_systems_ids_and_classes(atlas: Atlas) -> None:
    assert (atlas.table["space_group"].iloc[search(atlas, "cubic")] >= 195).all()
    assert atlas.table["material_id"].iloc[search(atlas, "mp-5986")].tolist() == ["mp-5986"]
    assert {"SrTiO3", "BaTiO3", "CsPbI3"} <= formulas(atlas, "perovskites")
    assert not {"CaCO3", "NaNO3"} & formulas(atlas, "perovskites")
    for name in CLASSES:
        assert search(atlas, name).dtype.kind == "i"
        assert search(atlas, f"{name}s, Ti").tolist() == search(atlas, f"Ti and {name}").tolist()


def test_ids_and_formulas_of_ones_own(atlas: Atlas) -> None:
    table = atlas.table.iloc[:30].copy()
    table["material_id"] = [f"<b>my crystal {i}</b>" for i in range(30)]
    table.loc[table.index[3], "formula"] = "not & known"
    mine = Atlas("mine", table, atlas.z[:30])
    assert search(mine, " <b>my crystal 7</b>").tolist() == [7]
    assert 3 in search(mine, "no O")
    with pytest.raises(ReadError, match="no numbers called 'band_gap'"):
        search(Atlas("less", table.drop(columns="band_gap"), atlas.z[:30]), "gap > 1")


@pytest.mark.parametrize(
    ("query", "says"),
    [("", EXAMPLE), ("  , and ", EXAMPLE), ("unobtainium", "'unobtainium' is not understood"), ("ti", "elements as Ti"),
     ("mp-0", "no material 'mp-0'"), ("colour > 2", "no numbers called 'colour'"), ("sg 231", "no space group '231'"),
     ("without", "what the crystals are not to be"), ("x" * 600, "at most 500"), ("gap >", "not understood"),
     ("<b>O</b>", "not understood"), ("Ti(", "not understood"), ("formula > 3", "no numbers called 'formula'")],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_one_sentence(atlas: Atlas, query: str, says: str) -> None:
    with pytest.raises(ReadError) as error:
        search(atlas, query)
    assert says in str(error.value) and "\n" not in str(error.value)


_WORDS = "Sr Ti O O3 A X M B ( ) 2 - _ / mp-5986 gap energy > < <= = : 1.5 e99 sg cubic oxide no and , perovskite ₃ é"
_PIECES = st.sampled_from([*_WORDS.split(), "space group", " ", "  "])


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40), st.lists(_PIECES, max_size=12).map("".join), st.lists(_PIECES, max_size=8).map(" ".join)
    )
)
@example("no no no O")
@example("A" * 400)
@example("((((((((((((((((((((O))))))))))))))))))))")
@example("gap > 1e99999")
@example("O99999999999999999999")
@example("sg ²")
@example("gap > ١")
def test_any_text_gives_rows_or_one_sentence(atlas: Atlas, query: str) -> None:
    try:
        rows = search(atlas, query)
    except ReadError as error:
        said = str(error)
    else:
        assert rows.dtype.kind == "i" and (np.diff(rows) > 0).all()
        assert len(rows) == 0 or (rows[0] >= 0 and rows[-1] < len(atlas))
        said = "rows"
    assert said and "\n" not in said


def test_what_is_not_known_is_neither_so_nor_not_so(atlas: Atlas) -> None:
    few = atlas.table.iloc[:4].assign(band_gap=[0.0, 2.0, np.nan, 3.0], e_above_hull=[np.nan, 0.0, 0.2, np.nan])
    own = Atlas("own", few, atlas.z[:4])
    for query, rows in {
        "metal": [0],
        "no metal": [1, 3],
        "not gap > 2.5": [0, 1],
        "stable": [1],
        "not stable": [2],
        "not 1 < gap < 2.5": [0, 3],
        "no metal, not stable": [],
    }.items():
        assert search(own, query).tolist() == rows, query


def test_what_was_named_comes_first(atlas: Atlas) -> None:
    for query, formula in (("diamond", "C"), ("rutile", "TiO2"), ("C", "C"), ("spinel", "MgAl2O4")):
        rows = search(atlas, query)
        order = ranked(atlas, query, rows)
        assert sorted(order.tolist()) == rows.tolist()
        assert atlas.table["formula"].iat[order[0]] == formula
        assert best(atlas, query) == order[0]
    assert len(set(atlas.table["formula"].iloc[search(atlas, "diamond")])) > 1


def test_types_are_judged_by_formula_and_space_group(atlas: Atlas) -> None:
    assert set(atlas.table["space_group"].iloc[search(atlas, "spinel")]) == {227}
    assert formulas(atlas, "graphite") == {"C"}
    layered, other = search(atlas, "graphite"), search(atlas, "lonsdaleite")
    assert len(layered) and len(other) and not np.isin(layered, other).any()
    assert set(atlas.table["space_group"].iloc[[*layered, *other]]) == {194}
    assert {"mp-48", "mp-47"} & set(atlas.table["material_id"].iloc[layered]) == {"mp-48"}  # mp-47 is lonsdaleite
    bare = Atlas("bare", atlas.table.drop(columns="layered"), atlas.z)
    assert np.array_equal(search(bare, "graphite"), np.union1d(layered, other))
    assert "LaCoO3" not in formulas(atlas, "calcite") and "CaCO3" in formulas(atlas, "calcite")
    assert formulas(atlas, "forsterite") <= formulas(atlas, "olivine")


def test_nothing_says_why_and_what_may_help(atlas: Atlas) -> None:
    absent = nothing(atlas, "SrTiO4", 64)
    assert absent.reason == f"SrTiO4 is not in this atlas of {len(atlas):,} crystals."
    assert absent.formulas[0] == "SrTiO3" and absent.propose == "SrTiO4"
    large = nothing(atlas, "garnet", 64)
    assert "80 atoms" in large.reason and large.gallery == ("garnet",) and not large.propose
    together = nothing(atlas, "perovskite gap > 9")
    assert f"perovskite: {len(search(atlas, 'perovskite')):,}" in together.reason
    assert "made of Np, Cl, F" in nothing(atlas, "Np-Cl-F").reason
    with pytest.raises(ReadError, match="SrTiO4 is not in this atlas"):
        best(atlas, "SrTiO4")
