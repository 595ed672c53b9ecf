"""Which crystal makes a measured powder pattern: ``identify``.

Three stages, each with fewer crystals and more care. The fingerprints of the atlas, restricted by what is known of the
composition, are ranked by a smoothed comparison in which all cells may shrink or grow. If the formula is known, known
crystals of the same pattern of counts with its elements exchanged, as they are and as the model decodes them anew, join
in, then latent vectors around the best. Of the best of all the cell is refined against the pattern, and ranks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.elements import MAX_Z
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT
from xcrystal.diffraction.comparing import WIDTHS, CellFit, Fit, Query
from xcrystal.diffraction.fingerprints import Fingerprints, atlas_fingerprints, cells_of
from xcrystal.diffraction.measured import MeasuredPattern, read_pattern
from xcrystal.diffraction.powder import Pattern, Unit, xrd
from xcrystal.diffraction.reflections import cell_of_crystal
from xcrystal.errors import ReadError, TargetError
from xcrystal.latent.compositions import Formula, formula_text, parse_formula
from xcrystal.latent.proposing import composition_of, substituted

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.model.decoded import Decoded

_FINE = 40  # crystals whose cells are refined
_STILL = (14, 10, 10)  # and of how many still, after each of ``WIDTHS``
_PROTOTYPES = 160
_BEST, _DRAWS, _NOISE = 4, 12, 0.2  # latent vectors around the best: of how many, how many, how far
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Match:
    """A crystal that may be what was measured.

    Attributes
    ----------
    structure
        Its atoms as the model decodes them, in the cell that was refined against the pattern.
    formula, space_group
        Of it.
    similarity
        Of its pattern to the measured one, 0 to 1, both smoothed; above 0.9 is mostly the right structure type.
    material_id
        Of the entry of the atlas that it is; None for one that was proposed.
    origin
        The entry of the atlas that a proposal began from; "" for an entry.
    zero
        What the angles of the pattern are too large by, degrees.
    pattern
        Calculated.
    score
        The similarity less what the change of the cell and its free parameters cost; matches are listed by it. None in
        sessions that were saved before there were scores.
    """

    structure: Structure
    formula: str
    space_group: int
    similarity: float
    material_id: str | None
    origin: str
    zero: float
    pattern: Pattern
    score: float | None = None

    def __repr__(self) -> str:
        name = self.material_id or "proposed"
        score = "" if self.score is None else f", score {self.score:.3f}"
        group = f"space group {self.space_group}"
        return f"Match({self.formula!r}, {name}, {group}, similarity {self.similarity:.3f}{score})"


def identify(
    pattern: Any,
    elements: Iterable[str] | str | None = None,
    formula: str | None = None,
    n: int = 5,
    *,
    model: CrystalModel | str = "mp20",
    atlas: Atlas | None = None,
    source: str | float | None = None,
    unit: Unit = "two_theta",
    seed: int = 0,
    progress: Callable[[str], object] | None = None,
) -> list[Match]:
    """The crystals that explain a measured powder pattern best.

    Parameters
    ----------
    pattern
        The path of a pattern, two arrays (positions, intensities), or a pattern; see ``xc.read_pattern``.
    elements
        Symbols: what is looked for is made of these, of all or of some of them. "Na Cl" and "Na-Cl" will do.
    formula
        The composition: entries of it, and structures proposed for it, are looked for.
    n
        The most that are returned; no two match each other.
    model, atlas
        The model or its name, and an atlas if not the model's own.
    source, unit
        Of the pattern, as for ``xc.read_pattern``.
    seed
        Of the random parts of the search.
    progress
        Called with a few words at each stage, and for each crystal whose cell is refined; what it raises ends the
        search.

    Returns
    -------
    list of Match
        Best first. It says what is most alike, not that it is right: a mixture of phases, or a crystal unlike all that
        are known, gets an answer, too.

    Raises
    ------
    ReadError
        If it is no pattern, formula or element.
    TargetError
        If ``n`` is less than 1.
    """
    from xcrystal.generator import open_model
    from xcrystal.latent.atlas import open_atlas

    if n < 1:
        raise TargetError(f"There is no list of {n} matches.")
    measured = read_pattern(pattern, source=source, unit=unit)
    opened = open_model(model) if isinstance(model, str) else model
    wanted = None if formula is None else parse_formula(formula, opened.max_atoms)
    allowed = None if elements is None else _numbers(elements)
    if wanted is not None and allowed is not None and not {z for z, _ in wanted} <= allowed:
        raise ReadError(f"{formula} holds other elements than those that were given.")
    known = atlas if atlas is not None else open_atlas(opened.name)
    search = PatternSearch(opened, known, wanted, allowed, seed, progress)
    return search.matches(measured, n)


def _numbers(elements: Iterable[str] | str) -> set[int]:
    from pymatgen.core import Element

    given = elements.replace("-", " ").replace(",", " ").split() if isinstance(elements, str) else list(elements)
    if not given:
        raise ReadError("Give at least one element, such as Na Cl.")
    found = set()
    for symbol in given:
        if not isinstance(symbol, str) or not Element.is_valid_symbol(symbol):
            raise ReadError(f"There is no element {str(symbol)[:20]!r}; write symbols, such as Na Cl.")
        if Element(symbol).Z > MAX_Z:
            raise ReadError(f"The model knows the elements up to number {MAX_Z} (Pu), not {symbol}.")
        found.add(int(Element(symbol).Z))
    return found


@dataclass(frozen=True, eq=False)
class _Candidate:
    decoded: Decoded
    row: int  # of the atlas
    known: bool  # whether it is that entry, or was made of it
    z: np.ndarray | None = None


class PatternSearch:
    """The search among the crystals of some composition, for any number of patterns."""

    def __init__(
        self,
        model: CrystalModel,
        atlas: Atlas,
        formula: Formula | None,
        elements: set[int] | None,
        seed: int = 0,
        progress: Callable[[str], object] | None = None,
    ) -> None:
        self.model, self.atlas, self.formula, self.elements, self.seed = model, atlas, formula, elements, seed
        self._say = progress or (lambda words: None)
        self._rows = self._known_rows()
        self._made: tuple[list[_Candidate], Fingerprints] | None = None

    def matches(self, pattern: MeasuredPattern, n: int) -> list[Match]:
        """The best ``n``."""
        query = Query.of(pattern)
        ranked = self._known(query) + (self._proposed(query) if self.formula is not None else [])
        ranked.sort(key=lambda pair: -pair[0])
        fitted = self._fitted([candidate for _, candidate in ranked[:_FINE]], query)
        if self.formula is not None and fitted:
            self._say("latent vectors around the best")
            fitted = sorted(fitted + self._around(fitted, query), key=lambda pair: -pair[0].score)
        return self._different(fitted, pattern, n)

    # -- which crystals ------------------------------------------------------------------------------------------

    def _known_rows(self) -> np.ndarray:
        formulas = self.atlas.row_formulas
        if self.formula is not None:
            return np.array([k for k, f in enumerate(formulas) if f == self.formula], dtype=int)
        if self.elements is not None:
            inside = self.elements
            return np.array([k for k, f in enumerate(formulas) if f and inside.issuperset(z for z, _ in f)], dtype=int)
        return np.arange(len(formulas))

    def _known(self, query: Query) -> list[tuple[float, _Candidate]]:
        """Entries of the atlas, the best by their fingerprints."""
        self._say("known crystals")
        if not len(self._rows):
            return []
        if len(self._rows) <= _AT_ONCE:
            rows = self._rows
            decoded = self.model.decode_arrays(self.atlas.z[rows], effort="fast")
            values = Fingerprints.of(cells_of(decoded)).similarities(query)
            found = [(float(v), _Candidate(d, int(r), True)) for v, d, r in zip(values, decoded, rows, strict=True)]
            return sorted(found, key=lambda pair: -pair[0])[:_FINE]
        fingerprints = atlas_fingerprints(
            self.model, self.atlas, lambda done, of: self._say(f"known crystals, {done:,} of {of:,} decoded")
        )
        values = fingerprints.take(self._rows).similarities(query)
        best = np.argsort(-values, kind="stable")[:_FINE]
        rows = self._rows[best]
        decoded = self.model.decode_arrays(self.atlas.z[rows], effort="fast")
        return [(float(values[k]), _Candidate(d, int(r), True)) for k, d, r in zip(best, decoded, rows, strict=True)]

    def _proposed(self, query: Query) -> list[tuple[float, _Candidate]]:
        """Known crystals with the elements exchanged, as they are and decoded anew, best first."""
        if self._made is None:
            self._say("elements exchanged in known crystals")
            self._made = self._make()
        candidates, fingerprints = self._made
        if not candidates:
            return []
        values = fingerprints.similarities(query)
        return [(float(values[k]), candidates[k]) for k in np.argsort(-values, kind="stable")[:_FINE]]

    def _make(self) -> tuple[list[_Candidate], Fingerprints]:
        assert self.formula is not None
        exchanged = substituted(self.model, self.atlas, self.formula, _PROTOTYPES)
        exchanged = [(d, row) for d, row in exchanged if composition_of(d) == self.formula]
        found = [_Candidate(d, row, False) for d, row in exchanged]
        if exchanged:
            z = self.model.encode_canonical([d.crystal for d, _ in exchanged])
            found += self._decoded(z, [row for _, row in exchanged])
        found = self._apart(found)
        return found, Fingerprints.of(cells_of([c.decoded for c in found]))

    def _decoded(self, z: np.ndarray, rows: Sequence[int]) -> list[_Candidate]:
        decoded = self.model.decode_arrays(z, effort="fast")
        kept = zip(decoded, rows, z, strict=True)
        return [_Candidate(d, row, False, code) for d, row, code in kept if composition_of(d) == self.formula]

    def _apart(self, candidates: list[_Candidate]) -> list[_Candidate]:
        from xcrystal.model.choosing import contact_ratios

        if not candidates:
            return []
        ratios = contact_ratios([c.decoded for c in candidates])
        # the cell is still to be refined, so that slightly too near is not too near
        return [c for c, ratio in zip(candidates, ratios, strict=True) if ratio >= 0.9 * SHORT_CONTACT]

    def _around(self, fitted: list[tuple[Fit, _Candidate]], query: Query) -> list[tuple[Fit, _Candidate]]:
        """Latent vectors around those of the best, in which positions differ a little."""
        rng = np.random.default_rng(self.seed)
        spread = self.atlas.z.std(axis=0)
        best = fitted[:_BEST]
        crystals = [_with_cell(candidate.decoded, fit.parameters) for fit, candidate in best]
        codes = self.model.encode_canonical([crystal.crystal for crystal in crystals])
        noise = _NOISE * spread * rng.standard_normal((len(best), _DRAWS, len(spread)))
        noise[:, 0] = 0.0
        z = (codes[:, None] + noise).reshape(-1, len(spread)).astype(np.float32)
        rows = [candidate.row for _, candidate in best for _ in range(_DRAWS)]
        found = self._apart(self._decoded(z, rows))
        values = Fingerprints.of(cells_of([c.decoded for c in found])).similarities(query)
        chosen = [found[k] for k in np.argsort(-values, kind="stable")[: _FINE // 2]]
        return self._fitted(chosen, query)

    # -- how well they fit ---------------------------------------------------------------------------------------

    def _fitted(self, candidates: list[_Candidate], query: Query) -> list[tuple[Fit, _Candidate]]:
        """With their best cells, best first; those that are far behind are dropped on the way."""
        fits = [(CellFit(cell_of_crystal(c.decoded.crystal), query, self.seed), c) for c in candidates]
        for width, most in zip(WIDTHS, _STILL, strict=True):
            for fit, _ in fits:
                self._say("cells refined")
                fit.run(width)
            fits = sorted(fits, key=lambda pair: -pair[0].score)[:most]
        return [(fit.fit, candidate) for fit, candidate in fits]

    def _different(self, fitted: list[tuple[Fit, _Candidate]], pattern: MeasuredPattern, n: int) -> list[Match]:
        from xcrystal.crystal.geometry.matching import match_rms
        from xcrystal.generator import to_structure

        table = self.atlas.table
        kept: list[Match] = []
        for fit, candidate in fitted:
            decoded = _with_cell(candidate.decoded, fit.parameters)
            structure = to_structure(decoded)
            if any(match_rms(structure, other.structure) is not None for other in kept):
                continue
            try:
                limits = 0.0, float(pattern.two_theta[-1])
                calculated = xrd(decoded.crystal, source=pattern.wavelength, limits=limits)
            except TargetError:  # it has no reflection there, so it explains nothing
                continue
            name = str(table["material_id"].iat[candidate.row])
            kept.append(
                Match(
                    structure,
                    formula_text(composition_of(candidate.decoded)),
                    candidate.decoded.group,
                    fit.similarity,
                    name if candidate.known else None,
                    "" if candidate.known else name,
                    fit.zero,
                    calculated,
                    fit.score,
                )
            )
            if len(kept) == n:
                break
        return kept


def _with_cell(decoded: Decoded, parameters: np.ndarray) -> Decoded:
    return replace(decoded, cell=parameters)
