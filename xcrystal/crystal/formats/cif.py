"""CIF files: written with their origin, and read to the whole cell, or refused in one sentence.

The symmetry of a file is that of its operations; without them that of its Hall symbol, its Hermann-Mauguin symbol or
its number. What these leave open is settled by the cell, the multiplicities and the formula in the file, and what is
still open then is said in a ``ReadingWarning``. Nothing is passed over: an atom that is not understood is an error, and
so are atoms that are missing beside the formula.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xcrystal.crystal.formats.cif_blocks import Block, Column, blocks_of
from xcrystal.crystal.formats.cif_species import formula_of, species_of
from xcrystal.crystal.limits import MAX_COORDINATE, MAX_OPERATIONS, MAX_SITES
from xcrystal.crystal.symmetry.operations import COPY, are_group, distances, images, keep_lengths, parse_operation
from xcrystal.crystal.symmetry.space_group_settings import (
    Setting,
    plain,
    settings_of_hall,
    settings_of_number,
    settings_of_symbol,
)
from xcrystal.errors import InvalidCrystalError, ReadError, ReadingWarning

if TYPE_CHECKING:
    from pymatgen.core import Structure

_SHARED = 0.01  # Å; atoms of different rows that are closer share a site
_OVERFULL = 1.05  # occupancy up to which a site is rounded to a full one without a word
_CELL = tuple(f"_cell_length_{x}" for x in "abc") + tuple(f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma"))
_LISTS = {"_atom_site_label", "_atom_site_fract_x", "_atom_site_cartn_x"}
_COORDINATES = tuple(f"_atom_site_fract_{x}" for x in "xyz")
_OPERATIONS = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop_magn_operation_xyz",
)
_CENTRINGS = "_space_group_symop_magn_centering_xyz"
_HALL = ("_symmetry_space_group_name_hall", "_space_group_name_hall")
_SYMBOLS = (
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_alt",
    "_space_group_name_h-m_full",
    "_space_group_name_h-m",
)
_NUMBERS = ("_symmetry_int_tables_number", "_space_group_it_number")
_MAGNETIC = ("_space_group_magn_number_bns", "_space_group_magn_name_bns")
_CODE = "_space_group_it_coordinate_system_code"
_MULTIPLICITIES = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
_LONGEST_NUMBER = 60  # characters
_NUMBER = re.compile(
    r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?))(?:/(\d+))?", re.IGNORECASE
)


def model_output(model: str) -> str:
    """What goes with every crystal that a model made."""
    return f"output of the model {model}, not relaxed, not verified"


def cif_text(structure: Structure, origin: str) -> str:
    """CIF of a structure, in P1, its first line a comment that says where the structure comes from."""
    from pymatgen.io.cif import CifWriter

    return f"{comment(origin)}\n{CifWriter(structure)}"


def comment(origin: str) -> str:
    """The first line of a CIF, which says where its crystal comes from."""
    printable = "".join(c if c.isprintable() else " " for c in origin)
    return f"# xcrystal: {printable}"


@dataclass(frozen=True, eq=False)
class _Atoms:
    """The rows of the list of atoms: positions (n, 3), what each holds, and their multiplicities (0: not given)."""

    points: np.ndarray
    species: list[dict[str, float]]
    multiplicities: list[int]


@dataclass(frozen=True, eq=False)
class _Cell:
    """All atoms of the cell: positions (m, 3), the row (m,) that each came from, and what the rows then hold."""

    points: np.ndarray
    rows: np.ndarray
    species: list[dict[str, float]]

    def amounts(self) -> dict[str, float]:
        """Atoms of each element."""
        found: dict[str, float] = {}
        for row in self.rows:
            for element, amount in self.species[row].items():
                found[element] = found.get(element, 0.0) + amount
        return found


def parse_cif(text: str, name: str) -> Structure:
    """The structure of the first data block that has coordinates of atoms, in the cell of the file.

    Warns
    -----
    ReadingWarning
        If the file leaves its setting open, its atoms are not those of its formula or not as many as it says, or it
        holds more crystals than the one that is read.

    Raises
    ------
    ReadError
        If there is none, or something that it needs is missing.
    InvalidCrystalError
        If its cell is impossible, or its atoms are none or lie on each other.
    """
    from pymatgen.core import Lattice, Structure

    block = _block_of(text, name)
    lattice = Lattice.from_parameters(*_cell_of(block, name))
    said = _first(block, ("_chemical_formula_sum",), name)
    formula = formula_of(said)
    atoms = _atoms_of(block, name, formula)
    cell = _whole_cell(block, name, atoms, lattice.matrix, formula)
    _check_counts(cell, atoms, formula, _units(block, name), name)
    _check_formula(cell, formula, said, name)
    species = [cell.species[row] for row in cell.rows]
    for site in species:
        total = sum(site.values())
        if total > _OVERFULL:
            raise InvalidCrystalError(
                f"Atoms in {name} lie on top of each other: a site is occupied {total:.3g} times."
            )
        if total > 1:
            site.update({element: amount / total for element, amount in site.items()})
    return Structure(lattice, species, cell.points).get_sorted_structure()


def _block_of(text: str, name: str) -> Block:
    try:
        blocks = blocks_of(text)
    except ValueError as error:
        raise ReadError(f"{name} cannot be read as a CIF file: {error}.") from error
    if not blocks:
        raise ReadError(f"{name} contains no crystal: it is not a CIF file, nor named as another kind that is read.")
    placed = [block for block in blocks if (x := block.columns.get(_COORDINATES[0])) and x.values]
    if len(placed) > 1:
        warnings.warn(f"{name} holds {len(placed)} crystals; the first was read.", ReadingWarning, stacklevel=2)
    listed = [block for block in blocks if _LISTS & block.columns.keys()]
    if not listed:
        raise ReadError(f"{name} contains no crystal: no list of atoms as in a CIF file.")
    return (placed or listed)[0]


def _column(block: Block, key: str, name: str) -> Column | None:
    """A column that has to be whole to be read; None if there is none."""
    column = block.columns.get(key)
    if column is not None and column.broken:
        raise ReadError(f"{name} is a damaged CIF file: {column.broken}.")
    return column


def _first(block: Block, keys: Sequence[str], name: str) -> str:
    """The first value that is given under one of several names; empty if none is."""
    for key in keys:
        column = _column(block, key, name)
        if column is not None and column.values and not _missing(column.values[0]):
            return " ".join(column.values[0].split())
    return ""


def _missing(value: str) -> bool:
    return value.strip() in ("", ".", "?")


def _number(value: str) -> float | None:
    """A CIF number, its standard uncertainty in parentheses left out; None if it is none."""
    if len(value) > _LONGEST_NUMBER:
        return None
    found = _NUMBER.fullmatch(re.sub(r"(?<=[\d.])\(\d*\)$", "", plain(value).strip()))
    if found is None or float(found[2] or 1) == 0:
        return None
    return float(found[1]) / float(found[2] or 1)


def _cell_of(block: Block, name: str) -> list[float]:
    found = []
    for key in _CELL:
        column = _column(block, key, name)
        if column is None or not column.values:
            raise ReadError(f"{name} gives no unit cell ({key} is missing).")
        value = _number(column.values[0])
        if value is None:
            raise ReadError(f"{name} gives no number as {key}, but {column.values[0][:60]!r}.")
        if not math.isfinite(value):
            raise InvalidCrystalError(f"The cell in {name} contains a number that is not finite ({key} is {value}).")
        if value <= 0 or ("angle" in key and value >= 180):
            raise InvalidCrystalError(f"The cell in {name} is flat or impossible: {key} is {value:g}.")
        found.append(value)
    alpha, beta, gamma = (math.cos(math.radians(angle)) for angle in found[3:])
    if min(found[:3]) < 1e-2 or 1 - alpha**2 - beta**2 - gamma**2 + 2 * alpha * beta * gamma < 1e-8:
        raise InvalidCrystalError(f"The cell in {name} is flat or impossible.")
    return found


def _atoms_of(block: Block, name: str, formula: dict[str, float]) -> _Atoms:
    columns = [_column(block, key, name) for key in _COORDINATES]
    given = [column for column in columns if column is not None]
    if len(given) < 3:
        only = ", only Cartesian ones" if "_atom_site_cartn_x" in block.columns else ""
        raise ReadError(f"{name} gives no fractional coordinates ({_COORDINATES[columns.index(None)]}){only}.")
    count = len(given[0].values)
    if not count or any(len(column.values) != count for column in given):
        raise InvalidCrystalError(f"The list of atoms in {name} is empty or damaged.")
    if count > MAX_SITES:
        raise ReadError(f"{name} lists {count} atoms: too many to be read here.")
    labels, types, occupancies, flags = (
        column.values if (column := _column(block, f"_atom_site_{key}", name)) and len(column.values) == count else None
        for key in ("label", "type_symbol", "occupancy", "calc_flag")
    )
    if not labels and not types:
        raise ReadError(f"The atoms in {name} have neither labels nor type symbols.")
    points, species, several = [], [], []
    multiplicities = next((c.values for key in _MULTIPLICITIES if (c := block.columns.get(key))), None)
    hydrogens = False  # whether a label stands for hydrogen atoms, too
    for row in range(count):
        if flags and flags[row].lower() == "dum":  # a centre of something, no atom
            continue
        point = [_coordinate(column.values[row], name) for column in given]
        found = species_of(types[row] if types else "", labels[row] if labels else "", formula)
        if found is None:
            raise InvalidCrystalError(f"{(types or labels or [''])[row][:60]!r} is not a chemical element.")
        hydrogens |= found.hydrogens
        amount = _occupancy(occupancies[row] if occupancies else "?", name)
        if amount > 0:  # an empty site is no atom
            points.append(point)
            species.append({element: share * amount for element, share in found.shares.items()})
            several.append(multiplicities[row] if multiplicities and len(multiplicities) == count else "?")
    if not points:
        raise InvalidCrystalError(f"All sites in {name} are empty.")
    if hydrogens and not any("H" in one for one in species):
        raise InvalidCrystalError(f"{name} holds hydrogen atoms without a position.")
    counts = [int(value) if re.fullmatch("[0-9]{1,9}", value) else 0 for value in several]
    return _Atoms(np.array(points), species, counts)


def _coordinate(value: str, name: str) -> float:
    number = _number(value)
    if number is None:
        raise ReadError(f"An atom in {name} has no position: its coordinate is {value[:60]!r}.")
    if not abs(number) <= MAX_COORDINATE:
        raise InvalidCrystalError(f"A coordinate in {name} is not finite, or far outside of the cell: {value}.")
    thirds = round(3 * number)  # 0.3333 is meant as 1/3, and so on
    return thirds / 3 if thirds % 3 and abs(3 * number / thirds - 1) < 1e-4 else number


def _occupancy(value: str, name: str) -> float:
    if _missing(value):
        return 1.0  # "not given" means full, not empty
    number = _number(value)
    if number is None or not math.isfinite(number):
        raise ReadError(f"{name} gives no number as an occupancy, but {value[:60]!r}.")
    if number < 0:
        raise InvalidCrystalError(f"{name} holds a negative occupancy ({value}).")
    return number


def _whole_cell(block: Block, name: str, atoms: _Atoms, lattice: np.ndarray, formula: dict[str, float]) -> _Cell:
    """All atoms of the cell, by the operations in the file or those of the space group that it names."""
    listed = next(
        (c for key in _OPERATIONS if (c := _column(block, key, name)) and not all(map(_missing, c.values))), None
    )
    if listed is not None:
        return _expanded(atoms, *_listed(block, listed, lattice, name), lattice, name)
    _check_only_in_space(block, name)
    named = _named(block, name)
    if not named.settings:
        return _expanded(atoms, np.eye(3)[None], np.zeros((1, 3)), lattice, name)
    begin = f"{name} lists no symmetry operations, and"
    fitting = [setting for setting in named.settings if keep_lengths(setting.operations()[0], lattice)]
    if not fitting:
        raise ReadError(f"{begin} its cell does not fit the space group {named.said}.")
    cells = {setting: _expanded(atoms, *setting.operations(), lattice, name) for setting in fitting}
    if len(cells) > 1:
        cells = _likely(cells, atoms, formula, _units(block, name))
    taken, cell = next(iter(cells.items()))
    described = f"{taken.symbol}{f', {_described(taken)}' if taken.choice else ''} was taken"
    if not all(_same(cell, other, lattice) for other in cells.values()):
        open_ = f"its space group {named.said} may be written in {len(cells)} settings that fit"
        warnings.warn(f"{begin} {open_}; {described}.", ReadingWarning, stacklevel=2)
    elif named.unknown_hall:
        unknown = f"its Hall symbol {named.unknown_hall} is none that is known here"
        warnings.warn(f"{begin} {unknown}; {described}.", ReadingWarning, stacklevel=2)
    return cell


def _units(block: Block, name: str) -> float | None:
    """Formula units in the cell, as the file says; None if it does not."""
    units = _number(_first(block, ("_cell_formula_units_z",), name) or "?")
    return units if units is not None and 0 < units < math.inf else None


def _check_only_in_space(block: Block, name: str) -> None:
    """Refuse symmetry of more than positions that is named, but not listed as operations of positions."""
    if any(key.startswith(("_space_group_symop_ssg", "_cell_modulation")) for key in block.columns):
        raise ReadError(f"{name} describes a modulated crystal, which repeats with no cell.")
    magnetic = _first(block, _MAGNETIC, name)
    if magnetic and not re.fullmatch(r"1\.1(\.\d+)?|P1(1')?", magnetic.replace(" ", "")):
        raise ReadError(f"{name} names a magnetic space group ({magnetic}), but lists no symmetry operations.")


def _described(setting: Setting) -> str:
    if setting.choice[0] in "12":
        return f"origin choice {setting.choice[0]}"
    return {"H": "hexagonal axes", "R": "rhombohedral axes"}.get(setting.choice, f"setting {setting.choice}")


def _listed(block: Block, column: Column, lattice: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    centrings = _column(block, _CENTRINGS, name)
    count = len(column.values) * max(1, len(centrings.values) if centrings else 0)
    if count > MAX_OPERATIONS:
        raise ReadError(f"{name} lists {count} symmetry operations: more than in any space group.")
    rotations, translations = _parsed(column, name)
    if centrings is not None and centrings.values:
        turns, shifts = _parsed(centrings, name)
        translations = np.concatenate(
            [translations @ turn.T + shift for turn, shift in zip(turns, shifts, strict=True)]
        )
        rotations = np.concatenate([turn @ rotations for turn in turns])
    if not are_group(rotations, translations):
        raise ReadError(f"The symmetry in {name} is no space group: its list of operations is incomplete or wrong.")
    if not keep_lengths(rotations, lattice):
        raise ReadError(f"The symmetry in {name} does not fit its cell: an operation changes lengths or angles.")
    return rotations, translations


def _parsed(column: Column, name: str) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for text in column.values:
        operation = parse_operation(text)
        if operation is None:
            raise ReadError(f"The symmetry in {name} cannot be read: {text[:60]!r} is not an operation.")
        found.append(operation)
    return np.array([R for R, _ in found]), np.array([t for _, t in found])


class _Named(NamedTuple):
    """What a file calls its space group, and the settings that this may mean: none if it says nothing."""

    said: str
    settings: list[Setting]
    unknown_hall: str = ""


def _named(block: Block, name: str) -> _Named:
    hall, symbol, number = (_first(block, keys, name) for keys in (_HALL, _SYMBOLS, _NUMBERS))
    found: list[Setting] = []
    said = symbol
    if hall:
        found, said = settings_of_hall(hall), said if symbol else hall
    unknown = "" if found else hall
    if "(" in unknown:
        raise ReadError(f"{name} lists no symmetry operations, and its Hall symbol {hall} moves the origin.")
    if symbol and not found:
        code = _first(block, (_CODE,), name)
        found = (settings_of_symbol(f"{symbol}:{code}") if code and ":" not in symbol else []) or settings_of_symbol(
            symbol
        )
    if (hall or symbol) and not found:
        raise ReadError(f"{name} lists no symmetry operations, and the space group {said} is none that is known here.")
    counted = re.fullmatch(r"\d{1,12}(\.0*)?", number)
    if number and not (counted or found):
        raise ReadError(f"{name} lists no symmetry operations, and its space group {number[:60]!r} is no number.")
    if counted:
        of_number = settings_of_number(int(float(number)))
        if not of_number:
            raise ReadError(f"{name} gives {number} as its space group, which are numbered from 1 to 230.")
        if found and not {s.number for s in found} & {s.number for s in of_number}:
            raise ReadError(f"{name} lists no symmetry operations, and names two space groups: {said} and {number}.")
        found = [s for s in found if s in of_number] or of_number
        said = said or number
    if hall and symbol and not {s.number for s in found} & {s.number for s in settings_of_symbol(symbol) or found}:
        raise ReadError(f"{name} lists no symmetry operations, and names two space groups: {symbol} and {hall}.")
    return _Named(said, found, unknown)


def _multiplicities_kept(cell: _Cell, atoms: _Atoms) -> bool:
    """Whether the rows have as many images as the file says; one that shares the site of another has none."""
    counts = np.bincount(cell.rows, minlength=len(atoms.multiplicities))
    return all(known in (0, count) or not count for known, count in zip(atoms.multiplicities, counts, strict=True))


def _units_kept(cell: _Cell, formula: dict[str, float], units: float | None) -> bool:
    """Whether the atoms are as many as in the formula units of the cell; some programs give all atoms as formula."""
    if not (formula and units):
        return True
    ratio = sum(cell.amounts().values()) / sum(formula.values())
    whole = all(abs(amount / units - round(amount / units)) < 1e-3 for amount in formula.values())
    return abs(ratio / units - 1) < 0.05 or (whole and abs(ratio - 1) < 0.05)


def _likely(
    cells: dict[Setting, _Cell], atoms: _Atoms, formula: dict[str, float], units: float | None
) -> dict[Setting, _Cell]:
    """Those settings whose atoms are as many as the file says; a test that none passes is none."""
    tests: tuple[Callable[[_Cell], bool], ...] = (
        lambda cell: _multiplicities_kept(cell, atoms),
        lambda cell: not formula or _same_formula(cell.amounts(), formula),
        lambda cell: _units_kept(cell, formula, units),
    )
    for passes in tests:
        cells = {setting: cell for setting, cell in cells.items() if passes(cell)} or cells
    return cells


def _check_counts(cell: _Cell, atoms: _Atoms, formula: dict[str, float], units: float | None, name: str) -> None:
    """Hold the symmetry that was taken against what the file says of the numbers of atoms."""
    count = sum(cell.amounts().values())
    if not _multiplicities_kept(cell, atoms):
        said = "its multiplicities say otherwise"
    elif _same_formula(cell.amounts(), formula) and not _units_kept(cell, formula, units):
        said = f"{units:g} of its formula have {(units or 0) * sum(formula.values()):g}"
    else:
        return
    warnings.warn(
        f"The symmetry in {name} makes {count:g} atoms in the cell, but {said}.", ReadingWarning, stacklevel=2
    )


def _same(one: _Cell, other: _Cell, lattice: np.ndarray) -> bool:
    """Whether two cells hold the same atoms."""
    return len(one.points) == len(other.points) and all(
        (distances(other.points[other.rows == row], point, lattice) < COPY).any()
        for row, point in zip(one.rows, one.points, strict=True)
    )


def _expanded(atoms: _Atoms, rotations: np.ndarray, translations: np.ndarray, lattice: np.ndarray, name: str) -> _Cell:
    """Images of each row, and rows at the same place as one site that they share."""
    if len(atoms.points) * len(rotations) > 20 * MAX_SITES:
        raise ReadError(
            f"{name} lists {len(atoms.points)} atoms and {len(rotations)} operations: too many to be read here."
        )
    points, rows = np.zeros((MAX_SITES + len(rotations), 3)), np.zeros(MAX_SITES + len(rotations), dtype=int)
    species = [dict(one) for one in atoms.species]
    count = 0
    for row, point in enumerate(atoms.points):
        near = np.flatnonzero(distances(points[:count], point, lattice) <= _SHARED)
        if len(near):
            owner = species[rows[near[0]]]
            for element, amount in atoms.species[row].items():
                owner[element] = owner.get(element, 0.0) + amount
            continue
        found = images(point, rotations, translations, lattice)
        points[count : count + len(found)], rows[count : count + len(found)] = found, row
        count += len(found)
        if count > MAX_SITES:
            raise InvalidCrystalError(f"{name} has more than {MAX_SITES} atoms in its cell: too many to be read here.")
    return _Cell(points[:count], rows[:count], species)


def _same_formula(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two sums of elements are multiples of each other, as far as they are written."""
    if one.keys() != other.keys():
        return False
    of_one, of_other = sum(one.values()), sum(other.values())
    return all(abs(one[k] / of_one - other[k] / of_other) < 0.01 + 0.02 * one[k] / of_one for k in one)


def _check_formula(cell: _Cell, formula: dict[str, float], said: str, name: str) -> None:
    """Atoms in against atoms out."""
    found = cell.amounts()
    if not formula or _same_formula(found, formula):
        return
    lacking = [e for e, amount in formula.items() if e not in found and amount > 0.01 * sum(formula.values())]
    if lacking and found.keys() <= formula.keys():
        raise ReadError(f"{name} gives no position for {', '.join(lacking)}, which its formula {said} has.")
    from pymatgen.core import Composition

    read = Composition({k: round(v, 3) for k, v in found.items()}).reduced_formula
    warnings.warn(f"The atoms in {name} make {read}, while its formula is {said}.", ReadingWarning, stacklevel=2)
