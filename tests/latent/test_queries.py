"""What people type, and what it means."""

from __future__ import annotations

import pytest

from xcrystal.errors import ReadError
from xcrystal.latent.queries import parse_query
from xcrystal.latent.structure_types import structure_types

MEANINGS = {
    "SrTiO3": "formula SrTiO3",
    "Ca(OH)2": "formula Ca(OH)2",
    "TiO2": "formula TiO2",
    "C": "contains C",
    "Ti": "contains Ti",
    "titanium": "contains Ti",
    "sulphur": "contains S",
    "contains Ti": "contains Ti",
    "Ti O": "contains Ti, contains O",
    "Ti, O and Sr": "contains Ti, contains O, contains Sr",
    "iron oxides": "contains Fe, contains O",
    "oxides of iron": "contains O, contains Fe",
    "Ba-Ti-O": "made of Ba, Ti, O and nothing else",
    "ABX3": "of the form ABX3",
    "ABO3": "of the form ABO3",
    "mp-5986": "material mp-5986",
    "225": "space group 225 (Fm-3m)",
    "sg 225": "space group 225 (Fm-3m)",
    "space group number 225": "space group 225 (Fm-3m)",
    "Fm-3m": "space group 225 (Fm-3m)",
    "fm-3m": "space group 225 (Fm-3m)",
    "P63/mmc": "space group 194 (P6_3/mmc)",
    "cubic": "cubic",
    "gap > 2": "gap > 2 eV",
    "gap>2 eV": "gap > 2 eV",
    "band_gap > 2": "gap > 2 eV",
    "gap above 2": "gap > 2 eV",
    "gap over 2 eV": "gap > 2 eV",
    "gap larger than 2": "gap > 2 eV",
    "band gap of at least 3 eV": "gap >= 3 eV",
    "gap at most 1": "gap <= 1 eV",
    "gap is below 1": "gap < 1 eV",
    "gap ≥ 2": "gap >= 2 eV",
    "gap = 2": "gap = 2 eV",
    "gap between 1 and 2": "gap from 1 to 2 eV",
    "gap between 2 and 1": "gap from 1 to 2 eV",
    "gap from 1 to 2 eV": "gap from 1 to 2 eV",
    "gap 1-2 eV": "gap from 1 to 2 eV",
    "1 < gap <= 2.5": "gap > 1 and <= 2.5 eV",
    "energy < -1": "formation energy < -1 eV/atom",
    "energy < −1 eV/atom": "formation energy < -1 eV/atom",
    "energy between -2 and -1": "formation energy from -2 to -1 eV/atom",
    "hull = 0": "energy above hull = 0 eV/atom",
    "elements > 4": "number of elements > 4",
    "density > 3": "density > 3",
    "perovskite": "perovskite",
    "rock salt": "rock salt",
    "rocksalt": "rock salt",
    "layered": "layered",
    "close-packed": "close-packed",
    "cubic perovskites": "cubic, perovskite",
    "perovskite oxides with gap > 2": "perovskite, contains O, gap > 2 eV",
    "lead-free perovskites": "without Pb, perovskite",
    "no lead": "without Pb",
    "without Pb": "without Pb",
    "oxides without lead": "contains O, without Pb",
    "not gap > 2.5": "not gap > 2.5 eV",
    "not oxides": "without O",
    "metal": "gap 0",
    "non-metal": "not gap 0",
    "insulators": "gap above 0",
    "semiconductors": "gap above 0 and up to 3 eV",
    "stable ternary sulfides": "on the convex hull, made of 3 elements, contains S",
    "halide": "contains F or Cl or Br or I",
    "rare earth nitrides": "contains Sc or Y or La or Ce or Pr or 12 others, contains N",
    "spinel": "structure type spinel, judged by formula and space group alone (as MgAl2O4, 227)",
    "halite without iron": "halite (NaCl, space group 225), without Fe",
    "Rutile": "structure type rutile, judged by formula and space group alone (as TiO2, 136)",
    "rutile type": "structure type rutile, judged by formula and space group alone (as TiO2, 136)",
    "diamond": "structure type diamond, judged by formula and space group alone (as C, 227)",
    "graphite": "graphite (C, space group 194)",
    "garnet structure": "structure type garnet, judged by formula and space group alone (as Ca3Al2(SiO4)3, 230)",
    "quartz": "structure type quartz, judged by formula and space group alone (as SiO2, 152 or 154)",
    "olivine": "structure type olivine, judged by formula and space group alone (as Mg2SiO4, 62)",
    "zinc-blende": "structure type zinc blende, judged by formula and space group alone (as ZnS, 216)",
    "sphalerite": "structure type zinc blende, judged by formula and space group alone (as ZnS, 216)",
    "layered rock salt": "structure type layered rock salt, judged by formula and space group alone (as NaCrS2, 166)",
    "bcc": "structure type body-centred cubic, judged by formula and space group alone (as W, 229)",
    "body-centered cubic": "structure type body-centred cubic, judged by formula and space group alone (as W, 229)",
    "body-centred cubic": "structure type body-centred cubic, judged by formula and space group alone (as W, 229)",
    "halite": "halite (NaCl, space group 225)",
    "table salt": "table salt (NaCl, space group 225)",
    "magnetite": "magnetite (Fe3O4, space group 227)",
    "materials with a band gap over 5 eV": "gap > 5 eV",
    "find me all oxides that have a gap > 2": "contains O, gap > 2 eV",
}


@pytest.mark.parametrize("typed", MEANINGS)
def test_what_people_type_means(typed: str) -> None:
    assert parse_query(typed, ["density"]).words == MEANINGS[typed]


@pytest.mark.parametrize(
    ("typed", "said"),
    [("Xx2O3", "there is no element Xx"), ("Es2O3", "up to number 94"), ("231", "1 to 230"), ("sg 0", "1 to 230"),
     ("ti", "write elements as Ti"), ("wide gap", "'wide' is not understood"), ("without", "not to be")],
)  # fmt: skip
def test_what_means_nothing_says_why(typed: str, said: str) -> None:
    with pytest.raises(ReadError, match=said):
        parse_query(typed)


def test_each_name_of_a_type_means_it() -> None:
    for name, kind in structure_types().items():
        assert parse_query(name).words == kind.words


def test_types_hold_their_own_compound_and_tell_apart_where_the_anion_is() -> None:
    types = structure_types()
    for kind in types.values():
        assert kind.fits(kind.reduced), kind.name
    assert not types["fluorite"].fits(types["antifluorite"].reduced)
    assert not types["molybdenite"].fits(types["hexagonal laves phase"].reduced)
    assert not types["graphite"].fits(types["diamond"].reduced) or types["graphite"].exact


def test_the_gallery_shows_what_is_asked_for() -> None:
    assert parse_query("TiO2").gallery == ("rutile", "anatase")
    assert parse_query("perovskite oxides").gallery == ("cubic perovskite", "orthorhombic perovskite")
    assert parse_query("garnet").gallery == ("garnet",)
    assert parse_query("gap > 2").gallery == ()
