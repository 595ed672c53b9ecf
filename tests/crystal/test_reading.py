"""Whatever a user gives: a crystal, or one clear sentence."""

from __future__ import annotations

import json
import os
import re
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import DummySpecies, Lattice, Molecule, Species, Structure
from pymatgen.io.cif import CifWriter

from tests.crystal.file_kinds import (
    CAESIUM_CHLORIDE,
    KINDS,
    LABELLED,
    LABELS,
    NO_GROUPS,
    ROCK_SALT,
    SYMBOLS,
    TYPED,
    TYPES,
    by_symbol,
    listed,
    named,
)
from tests.crystal.file_kinds import cif as cif_of
from tests.crystals import CRYSTALS
from xcrystal.crystal.files import MAX_BYTES
from xcrystal.crystal.formats.cif_species import species_of
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.reading import check_structure, encodable, parse_structure, read_structure
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.crystal.symmetry.operations import are_group
from xcrystal.crystal.symmetry.space_group_settings import (
    all_settings,
    settings_of_hall,
    settings_of_number,
    settings_of_symbol,
)
from xcrystal.errors import (
    InvalidCrystalError,
    ReadError,
    ReadingWarning,
    UnsupportedCrystalError,
    XCrystalError,
)

SALT = "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"


def cif(sites: str = SALT, name: str = "test", symmetry: str = "'x, y, z'", **cell: object) -> str:
    """A CIF file of a cubic cell of 4 Å, parts of it replaced."""
    values = {"a": 4, "b": 4, "c": 4, "alpha": 90, "beta": 90, "gamma": 90} | cell
    lines = [f"_cell_{'length' if len(k) == 1 else 'angle'}_{k} {v}" for k, v in values.items()]
    columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
    return "\n".join(
        [
            f"data_{name}",
            *lines,
            "_symmetry_space_group_name_H-M 'P 1'",
            "loop_\n_symmetry_equiv_pos_as_xyz",
            symmetry,
            "loop_",
            *(f"_atom_site_{c}" for c in columns),
            sites,
            "",
        ]
    )


def read(content: str | bytes, name: str = "test.cif") -> Structure:
    """Parse and check, and let no warning of pymatgen through."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return check_structure(parse_structure(content.encode() if isinstance(content, str) else content, name))


def assert_clear(error: BaseException) -> None:
    message = str(error)
    assert isinstance(error, XCrystalError)
    assert 10 < len(message) <= 400
    assert message.count("\n") <= 1


@pytest.mark.parametrize(
    "source",
    [None, 3, 3.5, True, b"x", [], {}, object(), np.zeros(3), Lattice.cubic(3), Molecule(["H"], [[0, 0, 0]])],
    ids=lambda s: type(s).__name__,
)
def test_things_that_are_no_crystals(source: object) -> None:
    with pytest.raises(ReadError) as caught:
        read_structure(source)
    assert_clear(caught.value)


def test_paths_that_hold_no_crystal(tmp_path: Path) -> None:
    (tmp_path / "empty.cif").touch()
    (tmp_path / "blank.cif").write_text(" \n\n")
    (tmp_path / "noise.cif").write_bytes(np.random.default_rng(0).bytes(4000))
    (tmp_path / "zeros.cif").write_bytes(bytes(1000))
    (tmp_path / "letter.txt").write_text("Dear reader,\nthis is no crystal.\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + np.random.default_rng(1).bytes(300))
    paths = [*tmp_path.iterdir(), tmp_path, tmp_path / "missing.cif", "", "\0", "x" * 5000, tmp_path / "a" / "b"]
    for path in paths:
        for given_as in (path, str(path)):
            with pytest.raises(ReadError) as caught:
                read_structure(given_as)
            assert_clear(caught.value)


def test_files_without_permission_or_too_large(tmp_path: Path) -> None:
    large = tmp_path / "large.cif"
    with large.open("wb") as file:
        file.truncate(30_000_000)
    with pytest.raises(ReadError, match="30 MB"):
        read_structure(large)
    with pytest.raises(ReadError):
        read_structure(tmp_path / "pipe\nwith a line break.cif")


INVALID = {
    "no atoms listed": (cif(sites=""), "damaged"),
    "partial occupancy": (cif("Na1 Na 0 0 0 0.5\nCl1 Cl .5 .5 .5 1"), "disordered: .* 50 % Na and is 50 % empty"),
    "two elements on a site": (
        cif("Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5\nCl1 Cl .5 .5 .5 1"),
        "50 % .* and 50 % .*one element fills",
    ),
    "occupancy above one": (cif("Na1 Na 0 0 0 1.5\nCl1 Cl .5 .5 .5 1"), "on top"),
    "negative occupancy": (cif("Na1 Na 0 0 0 -1\nCl1 Cl .5 .5 .5 1"), "negative"),
    "same atom twice": (cif("Na1 Na 0 0 0 1\nNa2 Na 0 0 0 1"), "on top"),
    "two atoms close": (cif("Na1 Na 0 0 0 1\nCl1 Cl .05 .05 .05 1"), "closer than 0.5"),
    "close across the cell's face": (cif("Na1 Na 0.01 0 0 1\nCl1 Cl .95 0 0 1"), "closer than 0.5"),
    "an atom close to its own image": (cif("Na1 Na 0 0 0 1", a=0.4), "closer than 0.5"),
    "own image across a sharp angle": (cif("Na1 Na 0 0 0 1", gamma=5), "closer than 0.5"),
    "operations put atoms on each other": (
        cif("Na1 Na 0.02 0 0 1\nCl1 Cl .5 .5 .5 1", symmetry="'x, y, z'\n'-x, -y, -z'"),
        "closer than 0.5",
    ),
    "flat": (cif(c=0), "flat or impossible"),
    "thin": (cif(c=1e-5), "flat or impossible"),
    "negative length": (cif(a=-4), "flat or impossible"),
    "angle of 180": (cif(gamma=180), "flat or impossible"),
    "angle of 0": (cif(gamma=0), "flat or impossible"),
    "angles that do not fit": (cif(alpha=30, beta=30, gamma=120), "flat or impossible"),
    "NaN length": (cif(a="nan"), "not finite"),
    "infinite length": (cif(a="inf"), "not finite"),
    "enormous cell": (cif(a=1e5, b=1e5, c=1e5), "as in no crystal"),
    "astronomic cell": (cif(a=1e200, b=1e200, c=1e200), "as in no crystal"),
    "NaN coordinate": (cif("Na1 Na nan 0 0 1\nCl1 Cl .5 .5 .5 1"), "not finite"),
    "astronomic coordinate": (cif("Na1 Na 1e300 0 0 1\nCl1 Cl .5 .5 .5 1"), "far outside"),
    "unknown coordinate": (cif("Na1 Na ? ? ? 1\nCl1 Cl .5 .5 .5 1"), "no position"),
    "inapplicable coordinate": (cif("Na1 Na . . . 1\nCl1 Cl .5 .5 .5 1"), "no position"),
    "dummy X": (cif("X1 X 0 0 0 1\nCl1 Cl .5 .5 .5 1"), "not a chemical element"),
    "a vacancy": (cif("Vac1 Vac 0 0 0 1\nCl1 Cl .5 .5 .5 1"), "not a chemical element"),
    "a water molecule": (cif("Wat1 Wat 0 0 0 1\nCl1 Cl .5 .5 .5 1"), "hydrogen atoms without a position"),
    "a hydroxide without its hydrogens": (
        cif("O1 O-H 0 0 0 1\nLi1 Li .5 .5 .5 1"),
        "hydrogen atoms without a position",
    ),
    "no operation": (cif(symmetry="'x, y, q'"), "'x, y, q' is not an operation"),
    "an operation onto a plane": (cif(symmetry="'x, y, z'\n'x, x, z'"), "not an operation"),
    "hydrogens in the formula only": (
        cif_of(CAESIUM_CHLORIDE, more="_chemical_formula_sum 'Cs Cl H2'"),
        "no position for H",
    ),
    "an unknown symbol": (cif_of(CAESIUM_CHLORIDE, named("F q 3")), "F q 3 is none that is known"),
    "two space groups": (cif_of(CAESIUM_CHLORIDE, named("P m -3 m", 225)), "two space groups: P m -3 m and 225"),
    "another cell than the symbol's": (cif_of(CAESIUM_CHLORIDE, named("P 63/m")), "does not fit"),
    "a modulated crystal": (cif_of(CAESIUM_CHLORIDE, "_cell_modulation_dimension 1"), "modulated"),
    "a magnetic group without operations": (
        cif_of(CAESIUM_CHLORIDE, "_space_group_magn.number_BNS 14.75"),
        "magnetic space group .14.75., but lists no",
    ),
    "a tetrahedral site": (cif_of("T1 0 0 0\nO1 .5 .5 .5", columns=LABELLED), "'T1' is not a chemical element"),
    "a no-break space is no blank": (cif("Na1\u00a0Na 0 0 0 1\nCl1 Cl .5 .5 .5 1"), "damaged"),
    "only dummies": (
        cif_of("Na1 Na 0 0 0 dum", columns=(*TYPED[:-1], "calc_flag")),
        "All sites .* are empty",
    ),
    "no such number": (cif_of(CAESIUM_CHLORIDE, "_space_group_IT_number 231"), "from 1 to 230"),
    "a number with a word": (cif_of(CAESIUM_CHLORIDE, "_space_group_IT_number 'No. 225'"), "'No. 225' is no number"),
    "a number with a letter": (cif_of(CAESIUM_CHLORIDE, "_space_group_IT_number 225a"), "'225a' is no number"),
    "a magnetic group that begins as P 1 does": (
        cif_of(CAESIUM_CHLORIDE, "_space_group_magn.number_BNS 1.11"),
        "magnetic space group .1.11., but lists no",
    ),
    "a magnetic group of no name in P 1": (
        cif_of(CAESIUM_CHLORIDE, "_space_group_magn.name_BNS P12/m"),
        "magnetic space group",
    ),
    "ammonium without its hydrogens": (
        cif("N1 NH4 0 0 0 1\nCl1 Cl .5 .5 .5 1"),
        "hydrogen atoms without a position",
    ),
    "a coordinate of 400 digits": (cif(f"Na1 Na {'9' * 400} 0 0 1\nCl1 Cl .5 .5 .5 1"), "no position"),
    "unknown element": (cif("? ? 0 0 0 1\nCl1 Cl .5 .5 .5 1"), "not a chemical element"),
    "no cell": (re.sub(r"_cell_length_a.*\n", "", cif()), "no unit cell"),
    "cell of words": (cif(a="four"), "no number"),
    "unknown cell": (cif(a="?"), "no number"),
    "row too short": (cif("Na1 Na 0 0"), "damaged"),
    "row too long": (cif("Na1 Na 0 0 0 1 7\nCl1 Cl .5 .5 .5 1"), "damaged"),
    "only a header": ("data_x\n_chemical_name 'x'\n", "no list of atoms"),
    "no CIF at all": ("hello\nworld\n", "no crystal"),
    "utf-16": (cif().encode("utf-16"), "not a text file"),
    "far too many atoms": (cif("\n".join(f"C{i} C {i / 9000} 0 0 1" for i in range(9000)), a=900), "too many"),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_files_get_one_clear_sentence(case: str) -> None:
    content, reason = INVALID[case]
    with pytest.raises(XCrystalError, match=reason) as caught:
        read(content)
    assert_clear(caught.value)


VALID = {
    "plain": cif(),
    "occupancy within rounding": cif("Na1 Na 0 0 0 1.0001\nCl1 Cl .5 .5 .5 0.9999"),
    "occupancy unknown": cif("Na1 Na 0 0 0 ?\nCl1 Cl .5 .5 .5 ."),
    "an element in halves": cif("Na1 Na 0 0 0 0.5\nNa2 Na 0 0 0 0.5\nCl1 Cl .5 .5 .5 1"),
    "oxidation states": cif("Na1 Na1+ 0 0 0 1\nCl1 Cl1- 0.5 0.5 0.5 1"),
    "standard uncertainties": cif("Na1 Na 0.0(1) 0 0 1\nCl1 Cl .500(2) .5 .5 1.0(0)", a="4.000(3)"),
    "quoted": cif("'Na1' 'Na' 0 0 0 1\n\"Cl1\" \"Cl\" 0.5 0.5 0.5 1"),
    "Windows line ends": cif().replace("\n", "\r\n"),
    "old Macintosh line ends": cif().replace("\n", "\r"),
    "byte order mark": "\ufeff" + cif(),
    "Latin-1 comment": b"# \xc5ngstr\xf6m\n" + cif().encode(),
    "Latin-1 in a value": cif().encode() + b"_publ_author_name 'M\xfcller'\n",
    "a block of labels first": "data_global\nloop_\n_atom_site_label\nNa1\nCl1\n" + cif(),
    "a length given twice alike": cif() + "_cell_length_a 4\n",
    "a header block first": "data_global\n_journal_name 'A'\n\n" + cif(),
    "atoms outside of the cell": cif("Na1 Na 7 -3 0 1\nCl1 Cl -20.5 0.5 99.5 1"),
    "upper-case header": cif().replace("data_test", "DATA_TEST"),
    "comments and blank lines": "# made by hand\n\n\n" + cif() + "\n\n# end\n#END\n",
}


@pytest.mark.parametrize("case", VALID)
def test_valid_files_are_rock_salt_like(case: str) -> None:
    structure = read(VALID[case])
    assert structure.composition.formula == "Na1 Cl1"
    assert structure.volume == pytest.approx(64)
    assert encodable(structure).crystal.space_group == 221


def test_of_several_blocks_the_first_is_taken_and_that_is_said() -> None:
    with pytest.warns(ReadingWarning, match="holds 2 crystals; the first was read"):
        structure = parse_structure((cif() + cif("K1 K 0 0 0 1\nF1 F .5 .5 .5 1", name="other")).encode(), "a.cif")
    assert structure.composition.formula == "Na1 Cl1"


def test_a_broken_first_block_is_not_passed_over() -> None:
    with pytest.raises(InvalidCrystalError, match="flat or impossible"):
        read(cif(a=0, name="one") + "data_two\n_cell_length_a 4\n")


def test_an_empty_site_is_no_atom() -> None:
    assert read(cif("Na1 Na 0 0 0 0\nCl1 Cl .5 .5 .5 1")).composition.formula == "Cl1"


def test_deuterium_is_hydrogen() -> None:
    structure = read(cif("D1 D 0 0 0 1\nCl1 Cl .5 .5 .5 1"))
    assert structure.composition.formula == "H1 Cl1"


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_files_are_the_crystals_that_they_are(kind: str) -> None:
    expected = KINDS[kind]
    structure = read(expected.content, expected.name)
    primitive = structure.get_primitive_structure()
    assert primitive.composition.reduced_formula == expected.formula
    assert len(primitive) == expected.atoms
    assert space_group_number(structure) == expected.space_group


@pytest.mark.parametrize("known", [TYPES, LABELS], ids=["types", "labels"])
def test_types_and_labels_are_elements_or_nothing(known: dict[str, str]) -> None:
    for text, element in known.items():
        found = species_of(text, "", {}) if known is TYPES else species_of("", text, {})
        assert (found.shares if found else {}) == ({element: 1.0} if element else {}), text


@pytest.mark.parametrize("long", ["1" * 100_000, "." + "1" * 100_000 + "x", "1/" * 50_000])
def test_long_numbers_take_no_long_time(long: str) -> None:
    started = time.monotonic()
    for content, name in (
        (cif(a=long), "a.cif"),
        (f"x\n1\n{long} 0 0\n0 4 0\n0 0 4\nNa\n1\nDirect\n0 0 0\n", "POSCAR"),
    ):
        with pytest.raises(ReadError) as caught:
            read(content, name)
        assert_clear(caught.value)
    assert time.monotonic() - started < 2


def test_many_short_lines_take_no_long_time() -> None:
    started = time.process_time()
    assert len(read("_a 1\n".join(["data_x\n", *[""] * 200_000, cif().split("\n", 1)[1]]))) == 2
    assert time.process_time() - started < 8  # a second, however busy the machine is


def test_numbers_of_atoms_with_names_behind_are_said() -> None:
    content = "x\n1\n4 0 0\n0 4 0\n0 0 4\n{}\nDirect\n0 0 0\n.5 .5 .5\n"
    for line, reason in (("1 1 Na Cl", "Line 6 .* 'Na' is none"), ("Na Cl\n1 1 x", "Line 7 .* 'x' is none")):
        with pytest.raises(ReadError, match=reason):
            read(content.format(line), "POSCAR")
    assert len(read(content.format("Na\nCl\n1\n1"), "POSCAR")) == 2


def test_what_cannot_be_a_number_is_not_one() -> None:
    assert len(read(cif_of(CAESIUM_CHLORIDE, more="_chemical_formula_sum 'Cs0.0 Cl0.0'"))) == 2
    columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "symmetry_multiplicity"]
    assert len(read(cif_of("Cs1 Cs 0 0 0 \u00b2\nCl1 Cl .5 .5 .5 1", columns=columns))) == 2


@pytest.mark.filterwarnings("ignore::xcrystal.errors.ReadingWarning")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_stands_for_the_operations_of_its_setting(symbol: str) -> None:
    short, long = (parse_structure(content.encode(), "a.cif") for content in by_symbol(symbol))
    assert len(short) == len(long)
    assert long.lattice.get_all_distances(short.frac_coords, long.frac_coords).min(axis=1).max() < 1e-3


def test_every_setting_of_the_table_is_found_by_its_own_names() -> None:
    for setting in all_settings():
        assert setting in settings_of_number(setting.number)
        full = settings_of_symbol(f"{setting.symbol} :{setting.choice}" if setting.choice else setting.symbol)
        assert setting in full
        assert {found.number for found in full} == {setting.number}
        (of_hall,) = settings_of_hall(setting.hall)
        assert of_hall.number == setting.number
    for choice, origin in (("S", "1"), ("Z", "2")):
        assert [s.choice for s in settings_of_symbol(f"F d -3 m {choice}")] == [origin]
    assert settings_of_symbol("F d -3 m")[0].choice == "2"
    assert settings_of_symbol("P 21/c")[0].choice == "b1"
    assert settings_of_symbol("C -1") == []


def test_what_a_file_leaves_open_is_said() -> None:
    sites = "Na1 Na 0.1 0.2 0.3 1\nCl1 Cl 0.02 0.4 0.11 1"
    cell = (10, 10.5, 11, 90, 90, 90)
    with pytest.warns(ReadingWarning, match=r"F d d d may be .* in 2 settings that fit; .* origin choice 2 was taken"):
        opened = parse_structure(cif_of(sites, named("F d d d"), cell).encode(), "a.cif")
    given = parse_structure(cif_of(sites, named("F d d d :2"), cell).encode(), "a.cif")
    assert match_rms(opened, given, scale=False) == pytest.approx(0, abs=1e-6)
    with pytest.warns(ReadingWarning, match="make CsCl, while its formula is Cs Br"):
        parse_structure(cif_of(CAESIUM_CHLORIDE, more="_chemical_formula_sum 'Cs Br'").encode(), "a.cif")


def test_multiplicities_and_formula_units_choose_the_setting() -> None:
    cell = (5.43, 5.43, 5.43, 90, 90, 90)
    for more in ("_chemical_formula_sum Si\n_cell_formula_units_Z 8", ""):
        sites = "Si1 Si 0 0 0 1" if more else "Si1 Si 0 0 0 1 8"
        columns = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "symmetry_multiplicity"]
        content = cif_of(sites, named("F d -3 m"), cell, columns[: len(sites.split())], more)
        assert len(read(content)) == 8  # origin choice 2 would make 16 of them
    assert len(read(cif_of(ROCK_SALT, named("F m -3 m"), (5.64, 5.64, 5.64, 90, 90, 90)))) == 8


def test_wires_and_slabs_are_called_so() -> None:
    head = '1\nLattice="4 0 0 0 4 0 0 0 20" Properties=species:S:1:pos:R:3 pbc="{}"\nC 0 0 0\n'
    for along, kind in (("T T F", "slab"), ("T F F", "wire"), ("F F F", "molecule")):
        with pytest.raises(ReadError, match=kind):
            read(head.format(along), "a.extxyz")
    with pytest.raises(ReadError, match="slab"):
        read("SLAB\nPRIMVEC\n4 0 0\n0 4 0\n0 0 20\nPRIMCOORD\n1 1\n6 0 0 0\n", "a.xsf")

    slab = Structure(Lattice(4 * np.eye(3), pbc=(True, True, False)), ["C"], [[0, 0, 0]])
    with pytest.raises(ReadError, match="slab"):
        check_structure(slab)
    with pytest.raises(ReadError, match="slab"):
        read(json.dumps(slab.as_dict()), "a.json")


def test_what_extended_xyz_lacks_is_said() -> None:
    head = "1\nProperties=species:S:1:pos:R:3{}\n{} 0 0 0\n"
    cell = ' Lattice="4 0 0 0 4 0 0 0 4"'
    for content, reason in (
        (head.format(cell + ' pbc="F F F"', "C"), "does not repeat with it .pbc.: it is a molecule"),
        (head.format(' pbc="T T T"', "C"), "gives no cell"),
        (head.format(cell, "Xx"), "'Xx' is not a chemical element"),
    ):
        with pytest.raises(XCrystalError, match=reason):
            read(content, "a.extxyz")
    assert read(head.format(cell, "T"), "a.extxyz").composition.formula == "H1"


@pytest.mark.parametrize("name", ["a.extxyz", "a.xsf", "a.cif", "POSCAR"])
def test_blank_lines_take_no_long_time(name: str) -> None:
    started = time.monotonic()
    with pytest.raises(ReadError):
        read("x" + "\n" * 200_000 + "x", name)
    assert time.monotonic() - started < 2


def test_the_content_of_a_file_is_not_its_path() -> None:
    with pytest.raises(ReadError, match="the content of a file, not its path"):
        read_structure(cif())
    with pytest.raises(ReadError, match="File name too long"):
        read_structure("x" * 5000)


def test_operations_that_are_listed_win_over_a_symbol() -> None:
    sites, symmetry = "Na1 Na 0 0 0 1\nCl1 Cl .5 .5 .5 1", named("F m -3 m") + listed("x,y,z")
    assert len(read(cif_of(sites, symmetry))) == 2
    for more, columns, reason in (
        ("_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 4", TYPED, "2 atoms .* 4 of its formula have 8"),
        ("", (*TYPED[:-1], "symmetry_multiplicity"), "2 atoms .* multiplicities say otherwise"),
    ):
        own = sites if more else "Na1 Na 0 0 0 4\nCl1 Cl .5 .5 .5 4"
        content = cif_of(own, symmetry, columns=columns, more=more).encode()
        with pytest.warns(ReadingWarning, match=reason):
            structure = parse_structure(content, "a.cif")
        assert len(structure) == 2
    # as some programs have it, all atoms of the cell are the formula
    assert len(read(cif_of(sites, symmetry, more="_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 1"))) == 2


@pytest.mark.parametrize("case", NO_GROUPS)
def test_operations_that_are_no_group_are_refused(case: str) -> None:
    symmetry, cell, reason = NO_GROUPS[case]
    with pytest.raises(ReadError, match=reason) as caught:
        read(cif_of(CAESIUM_CHLORIDE, symmetry, cell))
    assert_clear(caught.value)


@pytest.mark.parametrize("name", CRYSTALS)
def test_what_is_written_with_its_symmetry_is_read_without_a_word(name: str) -> None:
    structure = CRYSTALS[name].to_structure()
    for refined in (False, True):
        found = read(str(CifWriter(structure, symprec=0.01, refine_struct=refined)))
        assert match_rms(structure, found, scale=False) == pytest.approx(0, abs=1e-3)


def test_operations_of_all_settings_are_groups_also_when_rounded() -> None:
    for setting in all_settings():
        rotations, translations = setting.operations()
        assert are_group(rotations, np.round(translations, 3)), setting.hall
        if len(rotations) > 2:
            assert not are_group(rotations[:-1], translations[:-1]), setting.hall


def test_a_hall_symbol_that_is_not_known_is_said() -> None:
    symmetry = "_space_group_name_Hall '-F 4 2 3{}'\n" + named("F m -3 m")
    with pytest.warns(ReadingWarning, match="Hall symbol -F 4 2 3q is none that is known here; .* was taken"):
        parse_structure(cif_of(ROCK_SALT, symmetry.format("q")).encode(), "a.cif")
    with pytest.raises(ReadError, match="moves the origin"):
        read(cif_of(ROCK_SALT, symmetry.format(" (0 0 1)")))


def test_what_is_given_twice_is_an_error_where_it_is_needed() -> None:
    with pytest.raises(ReadError, match="_cell_length_a is given twice"):
        read(cif() + "_cell_length_a 5\n")
    assert len(read(cif() + "_publ_author_name A\n_publ_author_name B\n")) == 2


AFLOW = """\
# AFLOW.org Repositories
# Fe1O1/AB_cF8_225_a_b-001.AB params=4.3
data_FeO
_pd_phase_name 'AB_cF8_225_a_b-001.AB'
_chemical_name_mineral 'W\u00fcstite'
_cell_length_a 4.3325700000
_cell_length_b 4.3325700000
_cell_length_c 4.3325700000
_cell_angle_alpha 90.0000000000
_cell_angle_beta 90.0000000000
_cell_angle_gamma 90.0000000000
_symmetry_space_group_name_H-M "F 4/m -3 2/m"
_symmetry_Int_Tables_Number 225
loop_
_symmetry_equiv_pos_site_id
_symmetry_equiv_pos_as_xyz
{operations}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_symmetry_multiplicity
_atom_site_Wyckoff_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Fe1 Fe   4 a 0.0000000000 0.0000000000 0.0000000000 1.0000000000
O1  O    4 b 0.5000000000 0.5000000000 0.5000000000 1.0000000000
# end of the AFLOW file
"""

OQMD = """\
#(C) OQMD - Open Quantum Materials Database
data_1222356-FeO
_cell_length_a   3.0636
_cell_length_b   3.0636
_cell_length_c   3.0636
_cell_angle_alpha  60.0000
_cell_angle_beta   60.0000
_cell_angle_gamma  60.0000
_cell_volume ?
_cell_formula_units_Z ?
_symmetry_space_group_name_H-M 'Fm-3m'
_symmetry_Int_Tables_number ?
loop_
 _symmetry_equiv_pos_as_xyz
   x,y,z
loop_
 _atom_site_label
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
  Fe001    0.000000 0.000000 0.000000 1.0
  O001     0.500000 0.500000 0.500000 1.0
"""

ALEXANDRIA = """\
# generated using pymatgen
data_FeO
_symmetry_space_group_name_H-M   'P 1'
_cell_length_a   3.06358964
_cell_length_b   3.06358964
_cell_length_c   3.06358964
_cell_angle_alpha   60.00000000
_cell_angle_beta   60.00000000
_cell_angle_gamma   60.00000000
_symmetry_Int_Tables_number   1
_chemical_formula_structural   FeO
_chemical_formula_sum   'Fe1 O1'
_cell_volume   20.33162
_cell_formula_units_Z   1
loop_
 _symmetry_equiv_pos_site_id
 _symmetry_equiv_pos_as_xyz
  1  'x, y, z'
loop_
 _atom_type_symbol
 _atom_type_oxidation_number
  Fe2+  2.0
  O2-  -2.0
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_symmetry_multiplicity
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
  Fe2+  Fe0  1  0.00000000  0.00000000  0.00000000  1
  O2-  O1  1  0.50000000  0.50000000  0.50000000  1.0
"""

MAGNETIC = """\
data_FeO_magnetic
_cell_length_a 4.3326
_cell_length_b 4.3326
_cell_length_c 4.3326
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_magn.number_BNS 1.1
_space_group_magn.name_BNS "P 1"
loop_
_space_group_symop_magn_operation.id
_space_group_symop_magn_operation.xyz
1 x,y,z,+1
loop_
_space_group_symop_magn_centering.id
_space_group_symop_magn_centering.xyz
1 x,y,z,+1
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{sites}
loop_
_atom_site_moment_label
_atom_site_moment_crystalaxis_x
_atom_site_moment_crystalaxis_y
_atom_site_moment_crystalaxis_z
Fe1 3.3 0 0
Fe2 3.3 0 0
Fe3 -3.3 0 0
Fe4 -3.3 0 0
"""


def _operations() -> str:
    from pymatgen.core.operations import SymmOp

    from xcrystal.crystal.symmetry.groups import space_group

    group = space_group(225)
    pairs = zip(group.rotations, group.translations, strict=True)
    texts = [SymmOp.from_rotation_and_translation(R, t).as_xyz_str() for R, t in pairs]
    return "\n".join(f"{i} {text.replace(' ', '')}" for i, text in enumerate(texts, start=1))


def _magnetic_sites() -> str:
    corners = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    rows = [f"Fe{i} Fe {x} {y} {z} 1" for i, (x, y, z) in enumerate(corners, start=1)]
    rows += [f"O{i} O {x + 0.5} {y} {z} 1" for i, (x, y, z) in enumerate(corners, start=1)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (AFLOW.format(operations=_operations()), "aflow.cif"),
        (OQMD, "oqmd.cif"),
        (ALEXANDRIA, "alexandria.cif"),
        (MAGNETIC.format(sites=_magnetic_sites()), "magnetic.mcif"),
    ],
    ids=["AFLOW", "OQMD", "Alexandria and Materials Project", "magnetic"],
)
def test_files_as_databases_write_them(content: str, name: str) -> None:
    found = encodable(read(content, name)).crystal
    assert found.space_group == 225
    assert sorted(found.elements.tolist()) == [8, 26]
    assert found.lattice[0] == pytest.approx(4.3326, abs=1e-3)


@pytest.mark.parametrize("name", CRYSTALS)
def test_every_format_gives_the_crystal_back(name: str, tmp_path: Path) -> None:
    structure = CRYSTALS[name].to_structure()
    plain = Structure(structure.lattice, structure.species, structure.frac_coords)
    for file in ("a.cif", "POSCAR", "a.vasp", "a.json", "a.xsf"):
        path = tmp_path / file
        plain.to(str(path), fmt="poscar" if file == "a.vasp" else "")
        rms = match_rms(structure, read_structure(path), scale=False)
        assert rms is not None, file
        assert rms < 1e-3
    rows = [f"{s.specie.symbol} {s.x:.6f} {s.y:.6f} {s.z:.6f}" for s in plain]
    cell = " ".join(f"{x:.6f}" for x in plain.lattice.matrix.ravel())
    xyz = tmp_path / "a.extxyz"
    header = f'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    xyz.write_text("\n".join([str(len(rows)), header, *rows, ""]))
    assert match_rms(structure, read_structure(xyz), scale=False) is not None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"a": 1}'),
        ("a.json", "[]"),
        ("a.json", '"text"'),
        ("a.json", "{"),
        ("a.json", '{"lattice": {"matrix": [[4,0,0],[0,4,0],[0,0,4]]}, "sites": []}'),
        ("a.json", '{"lattice": 1, "sites": [1]}'),
        ("a.json", '{"lattice": {"a": 4}, "sites": [{"species": [{"element": "C", "occu": 1}], "abc": [0, 0, 0]}]}'),
        ("a.json", "[" * 100_000),
        ("a.xsf", "nothing"),
        ("POSCAR", "x\n"),
        ("POSCAR", "x\n1\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"),
        ("a.vasp", "x\n1\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\nDirect\n0 0 0\n"),
        ("a.vasp", "x\n1\n4 0 0\n0 4 0\n0 0 0\nNa\n1\nDirect\n0 0 0\n"),
        ("a.xyz", "2\n\nNa 0 0 0\nCl 2 2 2\n"),
        ("a.xyz", "junk"),
        ("a.extxyz", '1\nLattice="4 0 0 0 4 0 0 0 4"\nX 0 0 0\n'),
        ("a.extxyz", '1\nLattice="nan 0 0 0 4 0 0 0 4"\nC 0 0 0\n'),
        ("a.extxyz", '1\nLattice="4 0 0 0 4 0 0 0 4"\nC nan 0 0\n'),
        ("a.extxyz", '1\nLattice="4 0 0 0 4 0 0 0 4"\n0 0 0 0\n'),
        ("a.extxyz", '0\nLattice="4 0 0 0 4 0 0 0 4"\n'),
    ],
)
def test_other_formats_fail_clearly(name: str, content: str) -> None:
    with pytest.raises(XCrystalError) as caught:
        read(content, name)
    assert_clear(caught.value)


def test_the_format_follows_the_ending_not_the_stem() -> None:
    assert read(cif(), "my_poscar_export.cif").composition.formula == "Na1 Cl1"


CUBE = Lattice.cubic(4)
STRUCTURES = {
    "no atoms": lambda: Structure(CUBE, [], []),
    "NaN cell": lambda: Structure(Lattice(np.full((3, 3), np.nan)), ["Na"], [[0, 0, 0]]),
    "zero cell": lambda: Structure(Lattice(np.zeros((3, 3))), ["Na"], [[0, 0, 0]]),
    "flat cell": lambda: Structure(Lattice([[4, 0, 0], [0, 4, 0], [4, 4, 0]]), ["Na"], [[0, 0, 0]]),
    "tiny cell": lambda: Structure(Lattice.cubic(1e-6), ["Na"], [[0, 0, 0]]),
    "NaN position": lambda: Structure(CUBE, ["Na"], [[np.nan, 0, 0]]),
    "astronomic position": lambda: Structure(CUBE, ["Na"], [[1e18, 0, 0]]),
    "dummy": lambda: Structure(CUBE, [DummySpecies("X")], [[0, 0, 0]]),
    "dummy with a charge": lambda: Structure(CUBE, [DummySpecies("Qa", 2)], [[0, 0, 0]]),
    "half a site": lambda: Structure(CUBE, [{"Na": 0.5}], [[0, 0, 0]]),
    "mixed site": lambda: Structure(CUBE, [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]]),
    "overlap": lambda: Structure(CUBE, ["Na", "Cl"], [[0, 0, 0], [0, 0, 0.98]]),
    "many atoms": lambda: Structure(Lattice.cubic(200), ["C"] * 6000, np.random.default_rng(0).random((6000, 3))),
}


@pytest.mark.parametrize("case", STRUCTURES)
def test_impossible_structures_are_refused(case: str) -> None:
    with pytest.raises(InvalidCrystalError) as caught:
        read_structure(STRUCTURES[case]())
    assert_clear(caught.value)


def test_decorations_are_left_out() -> None:
    iron, oxygen = Species("Fe", 2, spin=5), Species("O", -2)
    structure = Structure(CUBE, [iron, oxygen], [[0, 0, 0], [0.5] * 3], site_properties={"magmom": [5.0, 0.0]})
    plain = read_structure(structure)
    assert [s.specie.symbol for s in plain] == ["Fe", "O"]
    assert plain.site_properties == {}
    mixed = Structure(CUBE, [{Species("Fe", 2): 0.5, Species("Fe", 3): 0.5}], [[0, 0, 0]])
    assert read_structure(mixed).composition.formula == "Fe1"
    assert isinstance(structure[0].specie, Species), "the structure given stays as it is"


def test_close_atoms_are_found_in_any_cell() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        matrix = rng.normal(size=(3, 3)) * 4
        lattice = Lattice(matrix)
        if lattice.volume < 8 or min(lattice.get_lll_reduced_lattice().abc) < 1.5:
            continue
        shift = rng.normal(size=3)
        for distance, close in ((0.45, True), (0.55, False)):
            moved = lattice.get_fractional_coords(shift / np.linalg.norm(shift) * distance)
            first = rng.random(3)
            structure = Structure(lattice, ["Na", "Cl"], [first, first + moved + rng.integers(-3, 4, 3)])
            truly = structure[0].distance(structure[1]) < 0.5
            assert truly == close or not close
            if truly:
                with pytest.raises(InvalidCrystalError, match="closer"):
                    check_structure(structure)
            else:
                assert len(check_structure(structure)) == 2


def test_a_cell_written_very_obliquely_is_no_reason_to_refuse() -> None:
    oblique = Structure(Lattice([[3, 0, 0], [60, 3, 0], [0, 0, 3]]), ["Po"], [[0, 0, 0]])
    assert encodable(check_structure(oblique)).crystal.space_group == 221


def test_large_cells_are_read_but_not_encoded() -> None:
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 3)[:21] / 3
    structure = check_structure(Structure(Lattice.cubic(9), ["C"] * 21, corners + rng.random((21, 3)) * 0.1))
    for limits, says in (((20, 24), r"21 atoms.*at most 20"), ((64, 20), r"21 symmetry-distinct.*at most 20")):
        with pytest.raises(UnsupportedCrystalError, match=says) as caught:
            encodable(structure, *limits)
        assert_clear(caught.value)
    assert len(encodable(structure, 21, 21).crystal.positions) == 21
    assert encodable(structure).crystal.space_group == 1  # of the limits of a new model
    supercell = check_structure(CRYSTALS["rock salt NaCl"].to_structure() * (4, 4, 4))
    assert encodable(supercell).crystal.space_group == 225
    with pytest.raises(UnsupportedCrystalError, match="1024 atoms") as caught:
        encodable(check_structure(CRYSTALS["rock salt NaCl"].to_structure() * (8, 8, 8)))
    assert_clear(caught.value)


@pytest.mark.parametrize("symbol", ["Am", "Cf", "Og"])
def test_elements_beyond_plutonium_are_read_but_not_encoded(symbol: str) -> None:
    structure = read(cif(f"{symbol}1 {symbol} 0 0 0 1\nCl1 Cl .5 .5 .5 1"))
    with pytest.raises(UnsupportedCrystalError, match=symbol) as caught:
        encodable(structure)
    assert_clear(caught.value)


_LINES = AFLOW.format(operations="1 x,y,z\n2 -x,-y,-z").splitlines()
_JUNK = [*"?.;'X#é\x00", "", "loop_", "data_x", "nan", "-1", "1e400", "_cell_length_a 0", "0.5("]


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mutated_files_work_or_say_why(data: st.DataObject) -> None:
    lines = list(_LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "junk", "cut", "word", "swap", "character"]))
        words = lines[i].split(" ")
        k = data.draw(st.integers(0, len(words) - 1))
        if change == "drop":
            lines[i] = ""
        elif change == "double":
            lines.insert(i, lines[i])
        elif change == "junk":
            lines.insert(i, data.draw(st.sampled_from(_JUNK)))
        elif change == "cut":
            lines[i] = lines[i][: data.draw(st.integers(0, len(lines[i])))]
        elif change == "word":
            words[k] = data.draw(st.sampled_from(_JUNK))
            lines[i] = " ".join(words)
        elif change == "swap":
            j = data.draw(st.integers(0, len(lines) - 1))
            lines[i], lines[j] = lines[j], lines[i]
        else:
            at = data.draw(st.integers(0, len(lines[i])))
            lines[i] = lines[i][:at] + data.draw(st.characters(codec="utf-8")) + lines[i][at:]
    try:
        structure = read("\n".join(lines))
        encodable(structure)
    except ReadingWarning:
        pass
    except XCrystalError as error:
        assert_clear(error)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=400), st.sampled_from(["a.cif", "a.json", "POSCAR", "a.xsf", "a.extxyz", "a"]))
def test_noise_is_refused_in_every_format(content: bytes, name: str) -> None:
    with pytest.raises(XCrystalError) as caught:
        read(content, name)
    assert_clear(caught.value)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=4))
def test_any_json_beside_a_structure_is_refused(value: object) -> None:
    for content in (value, {"lattice": value, "sites": value}, {"lattice": {"matrix": value}, "sites": [value]}):
        with pytest.raises(XCrystalError) as caught:
            read(json.dumps(content), "a.json")
        assert_clear(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cif")
    with pytest.raises(ReadError) as caught:
        read_structure(tmp_path / "pipe.cif")
    assert_clear(caught.value)


def test_json_imports_no_module_that_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    structure = CRYSTALS["rock salt NaCl"].to_structure()
    content = structure.as_dict()
    content["sites"][0]["properties"] = {"x": {"@module": "this", "@class": "anything"}}
    read = check_structure(parse_structure(json.dumps(content).encode(), "a.json"))
    assert read.composition == structure.composition
    assert "Zen" not in capsys.readouterr().out


def test_uploads_have_a_size_limit() -> None:
    with pytest.raises(ReadError, match="MB"):
        parse_structure(b"#" * (MAX_BYTES + 1), "big.cif")
