"""Finding crystals of the atlas by what people type; ``xcrystal.latent.queries`` says what can be written.

A crystal whose gap is not known has neither a gap of 0 nor none of 0: it is in no answer about gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.elements import atomic_numbers, chemical_scale
from xcrystal.crystal.symmetry.groups import crystal_system
from xcrystal.errors import ReadError
from xcrystal.latent.compositions import Formula, formula_text, pattern
from xcrystal.latent.labelling import UNLABELLED, has_motif, is_labelled
from xcrystal.latent.prototypes import fits
from xcrystal.latent.queries import (
    CLASSES,
    EXAMPLE,
    LONGEST,
    MOTIFS_OF,
    Between,
    Compared,
    Contains,
    Electronic,
    HasElements,
    HasFormula,
    HasMotif,
    InGroup,
    InSystem,
    IsMaterial,
    MadeOf,
    Not,
    OfForm,
    OfType,
    Query,
    Stable,
    parse_query,
)
from xcrystal.latent.queries import Condition as Asked
from xcrystal.latent.structure_types import atoms_of

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

__all__ = ["CLASSES", "EXAMPLE", "LONGEST", "Condition", "Nothing", "best", "nothing", "ranked", "search", "understand"]

ZERO = 1e-3  # eV or eV/atom: gaps and hull distances up to here count as zero
_EQUAL = 0.005  # "gap = 2" holds up to here
_SEMICONDUCTOR = 3.0  # eV
_NEAREST = 4  # formulas that are offered instead of one that is not there


@dataclass(frozen=True)
class Condition:
    """A condition of a query in words, (N,) for which crystals it holds, and (N,) for which that is known."""

    words: str
    holds: np.ndarray
    known: np.ndarray | bool = True


@dataclass(frozen=True)
class Nothing:
    """Why a search found nothing, and what may help.

    Attributes
    ----------
    reason
        A sentence.
    formulas
        The nearest formulas that the atlas has.
    gallery
        Names of the gallery's entries that show what was asked for.
    propose
        A formula that structures can be proposed for; empty for none.
    """

    reason: str
    formulas: tuple[str, ...] = ()
    gallery: tuple[str, ...] = ()
    propose: str = ""


def search(atlas: Atlas, query: str) -> np.ndarray:
    """Find the rows (k,) of the atlas that a query describes, sorted; see ``queries`` for what can be written.

    Raises
    ------
    ReadError
        If it is not understood.
    """
    return np.flatnonzero(np.logical_and.reduce([condition.holds for condition in understand(atlas, query)]))


def understand(atlas: Atlas, query: str) -> list[Condition]:
    """The conditions of a query, at least one, applied to an atlas.

    Raises
    ------
    ReadError
        If it is not understood; the sentence gives examples.
    """
    return [_apply(atlas, condition) for condition in read_query(atlas, query).conditions]


def read_query(atlas: Atlas, query: str) -> Query:
    """What a query means; ids may be any text in an atlas of one's own.

    Raises
    ------
    ReadError
        If it is not understood.
    """
    text = " ".join(str(query).split())
    if text and atlas.holds(text):
        return Query((IsMaterial(text),))
    return parse_query(text, [str(name) for name in atlas.table.columns])


def ranked(atlas: Atlas, query: str, rows: np.ndarray) -> np.ndarray:
    """The rows (k,) in the order in which people look for them.

    What has the very formula that was named, by itself, by a structure type or as an element, comes first; then the
    fewer elements, and the less above the convex hull.
    """
    try:
        named = _named(read_query(atlas, query))
    except ReadError:  # a title of something else, such as a part of the map
        named = set()
    formulas, which = atlas.formulas
    other = np.array([formula not in named for formula in formulas], dtype=bool)[which[rows]]
    hull = np.zeros(len(rows))
    if "e_above_hull" in atlas.table:
        hull = atlas.table["e_above_hull"].to_numpy(dtype=np.float64)[rows]
    order = np.lexsort((rows, np.where(np.isfinite(hull), hull, np.inf), _kinds(atlas)[rows], other))
    return rows[order]


def best(atlas: Atlas, query: str) -> int:
    """The first of the crystals that a query describes.

    Raises
    ------
    ReadError
        If it is not understood, or describes none.
    """
    rows = search(atlas, query)
    if not len(rows):
        raise ReadError(nothing(atlas, query).reason)
    return int(ranked(atlas, query, rows)[0])


def nothing(atlas: Atlas, query: str, most: int | None = None) -> Nothing:
    """Why a query that is understood describes no crystal of the atlas.

    Parameters
    ----------
    atlas, query
        As of ``search``.
    most
        The most atoms of a primitive cell that the model makes, if that may be the reason.
    """
    asked = read_query(atlas, query)
    found = [_apply(atlas, condition) for condition in asked.conditions]
    said = [condition.words.split(", judged")[0] for condition in found]
    absent = [words for words, condition in zip(said, found, strict=True) if not condition.holds.any()]
    named = asked.formula or next((HasFormula(one.type.formula, one.type.reduced) for one in _types(asked)), None)
    if not absent or named is None:
        counts = "; ".join(f"{words}: {int(one.holds.sum()):,}" for words, one in zip(said, found, strict=True))
        reason = f"No crystal of this atlas is all of this ({counts})."
        if absent:
            reason = f"This atlas has no crystal {_that_is(absent[0])}."
        return Nothing(reason, gallery=asked.gallery)
    atoms = sum(count for _, count in named.formula)
    if asked.formula is None and asked.gallery:
        atoms = atoms_of(asked.gallery[0])
    reason = f"{named.text if asked.formula else absent[0]} is not in this atlas of {len(atlas):,} crystals"
    large = most is not None and atoms > most
    if large:
        reason += f": its primitive cell has {atoms} atoms, and the model makes cells of up to {most}"
    reason = reason.removeprefix("structure type ")
    near = nearest_formulas(atlas, named.formula)
    return Nothing(f"{reason[0].upper()}{reason[1:]}.", near, asked.gallery, "" if large else named.text)


def nearest_formulas(atlas: Atlas, wanted: Formula, count: int = _NEAREST) -> tuple[str, ...]:
    """Formulas of the atlas that are chemically nearest to one that it may lack: (k,), nearest first.

    Those of the same elements come first; then those of the same proportions, by how far apart the elements that
    replace each other are on the chemical scale.
    """
    scale = chemical_scale().astype(float)
    elements, shape = {element for element, _ in wanted}, pattern(wanted)
    shares = {element: n / sum(n for _, n in wanted) for element, n in wanted}
    ranked: list[tuple[float, str]] = []
    for formula in atlas.formulas[0]:
        if formula == wanted or not formula:
            continue
        if {element for element, _ in formula} == elements:
            total = sum(n for _, n in formula)
            off = sum(abs(n / total - shares[element]) for element, n in formula)
            ranked.append((off - 10, formula_text(formula)))
        elif pattern(formula) == shape:
            # elements of one count, each in the order of the scale, take each other's part
            given, own = (sorted((n, scale[z]) for z, n in one) for one in (formula, wanted))
            off = sum(abs(a - b) for (_, a), (_, b) in zip(given, own, strict=True))
            ranked.append((off, formula_text(formula)))
    return tuple(text for _, text in sorted(ranked)[:count])


# -- inside ------------------------------------------------------------------------------------------------------------


def _types(query: Query) -> list[OfType]:
    return [one for one in query.conditions if isinstance(one, OfType)]


def _named(query: Query) -> set[Formula]:
    """Compositions that a query names, also as an element or by a compound's structure type."""
    named = {one.formula for one in query.conditions if isinstance(one, HasFormula)}
    named |= {one.type.reduced for one in _types(query)}
    for one in query.conditions:
        if isinstance(one, Contains) and len(one.symbols) == 1:
            named.add(((atomic_numbers()[one.symbols[0]], 1),))
    return named


def _that_is(words: str) -> str:
    """ "that contains O", "of space group 225", "of formula SrTiO3"."""
    if words.startswith("contains "):
        return f"that {words}"
    if words.startswith(("space group", "formula", "structure type")):
        return f"of {words}"
    return words if words.startswith(("made of", "of ", "on ", "without ")) else f"that is {words}"


def _apply(atlas: Atlas, asked: Asked) -> Condition:
    """For which crystals a condition holds."""
    match asked:
        case Not(inner):
            found = _apply(atlas, inner)
            return Condition(asked.words, ~found.holds & found.known, found.known)
        case IsMaterial(name):
            return Condition(asked.words, np.arange(len(atlas)) == atlas.row(name))
        case HasFormula(_, wanted):
            return _of_formulas(atlas, asked, lambda formula: formula == wanted)
        case Contains(symbols):
            any_of = frozenset(atomic_numbers()[symbol] for symbol in symbols)
            return _of_formulas(atlas, asked, lambda formula: any(element in any_of for element, _ in formula))
        case MadeOf(symbols):
            these = {atomic_numbers()[symbol] for symbol in symbols}
            return _of_formulas(atlas, asked, lambda formula: {element for element, _ in formula} == these)
        case OfForm(_, form):
            return _of_formulas(atlas, asked, lambda formula: fits(formula, form))
        case HasElements(count):
            return _of_formulas(atlas, asked, lambda formula: len(formula) == count)
        case OfType(kind):
            possible = _of_formulas(atlas, asked, kind.fits).holds
            possible &= np.isin(_column(atlas, "space_group"), kind.groups)
            layered = None if kind.layered is None else has_motif(atlas, "layered")
            if layered is None:
                return Condition(asked.words, possible)
            said = "layered" if kind.layered else "not layered"
            return Condition(f"{asked.words}, {said} judged by its atoms", possible & (layered == kind.layered))
        case InGroup(number):
            return Condition(asked.words, _column(atlas, "space_group") == number)
        case InSystem(name):
            of_system = [number for number in range(1, 231) if crystal_system(number) == name]
            return Condition(asked.words, np.isin(_column(atlas, "space_group"), of_system))
        case HasMotif(name):
            held = has_motif(atlas, MOTIFS_OF[name])
            if held is None:
                raise ReadError(f"Which crystals are {name} is not known: {UNLABELLED}")
            judged = "by its atoms" if is_labelled(atlas) else "by formula and space group alone"
            return Condition(f"{asked.words}, judged {judged}", held)
        case Stable():
            hull = _column(atlas, "e_above_hull")
            return Condition(asked.words, hull <= ZERO, np.isfinite(hull))
        case Electronic(kind):
            gap = _column(atlas, "band_gap")
            holds = gap <= ZERO if kind == "metal" else gap > ZERO
            holds &= (gap <= _SEMICONDUCTOR) | (kind != "semiconductor")
            return Condition(asked.words, holds, np.isfinite(gap))
        case Compared(name, operator, value):
            values = _column(atlas, name)
            return Condition(asked.words, _compare(values, operator, value), np.isfinite(values))
        case Between(name, first, low, second, high):
            values = _column(atlas, name)
            holds = _compare(values, first, low) & _compare(values, second, high)
            return Condition(asked.words, holds, np.isfinite(values))
    raise TypeError(f"There is no way to look for {asked!r}.")


def _compare(values: np.ndarray, operator: str, value: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        holds: np.ndarray = {
            "<": values < value,
            ">": values > value,
            "<=": values <= value,
            ">=": values >= value,
            "=": np.abs(values - value) <= _EQUAL,
        }[operator]
    return holds


def _column(atlas: Atlas, name: str) -> np.ndarray:
    if name == "elements":
        return _kinds(atlas)
    if name not in atlas.table or atlas.table[name].dtype.kind not in "iuf":
        known = [column for column in atlas.table.columns if atlas.table[column].dtype.kind in "iuf"]
        raise ReadError(f"The atlas has no numbers called {name[:60]!r}; it has: {', '.join(map(str, known))}.")
    return atlas.table[name].to_numpy(dtype=np.float64)


def _of_formulas(atlas: Atlas, asked: Asked, holds: Callable[[Formula], bool]) -> Condition:
    formulas, which = atlas.formulas
    return Condition(asked.words, np.array([holds(formula or ()) for formula in formulas], dtype=bool)[which])


def _kinds(atlas: Atlas) -> np.ndarray:
    """(N,) float64 number of elements of each crystal; 0 if its formula is not readable."""
    formulas, which = atlas.formulas
    return np.array([len(formula or ()) for formula in formulas], dtype=float)[which]
