"""Whether the atlas holds a decoded crystal.

An atlas keeps latent vectors, not structures, so a crystal is held against what the model decodes from the latent
vectors of the entries with the same formula. A known crystal that the model reconstructs badly may thus not be found:
that a crystal is not in the atlas says nothing of whether anybody has made or computed it.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable

MOST = 24  # entries of one formula that are compared, nearest in latent space first
_SAME = 0.01  # RMS below which it is the same crystal, so that no better match is looked for
_REMEMBERED = 2000  # decodes kept


@dataclass(frozen=True)
class Novelty:
    """What the atlas says of a crystal.

    Attributes
    ----------
    entries
        How many entries of the atlas have its reduced formula.
    compared
        With how many of them it was compared: at most 24, those ``in_train`` first and of these the nearest latent
        vectors, and no more once it is the very same.
    match
        ``material_id`` of the entry whose decode it matches best, or None.
    rms
        Of that match, in units of (V / N)^(1/3); None without one.
    in_train
        Whether the match is one of the crystals that the data are (``Atlas.in_train``), which are compared first, and
        not an entry that the atlas holds beside these.
    """

    entries: int
    compared: int
    match: str | None = None
    rms: float | None = None
    in_train: bool = True

    @property
    def known_formula(self) -> bool:
        """Whether the atlas has the formula at all."""
        return self.entries > 0

    @property
    def new(self) -> bool:
        """Whether it matches none of the entries ``in_train`` that it was compared with."""
        return self.match is None or not self.in_train


class KnownCrystals:
    """The crystals of an atlas as the model decodes them, each when it is first asked for.

    Parameters
    ----------
    model
        Decodes the latent vectors.
    atlas
        Holds them.
    """

    def __init__(self, model: Explorable, atlas: Atlas) -> None:
        self.model, self.atlas = model, atlas
        self._decodes: OrderedDict[int, Structure] = OrderedDict()

    def novelty(self, structure: Structure, z: np.ndarray) -> Novelty:
        """Compare a crystal with the entries of its formula.

        Parameters
        ----------
        structure
            The crystal, ordered.
        z
            (latent_dim,) its latent vector, by which the nearest entries are found if there are many.
        """
        rows = self.rows_of(structure.composition.reduced_formula)
        trained = self.atlas.in_train[rows]
        order = np.lexsort((np.linalg.norm(self.atlas.z[rows] - z, axis=1), ~trained))[:MOST]
        best, match, compared, in_train = math.inf, None, 0, True
        for row, counts in zip(rows[order].tolist(), trained[order].tolist(), strict=True):
            if match is not None and in_train and not counts:
                break
            rms = _rms(structure, self.decode(row))
            compared += 1
            if rms is not None and rms < best:
                best, match, in_train = rms, str(self.atlas.table["material_id"].iat[row]), counts
            if best < _SAME:
                break
        return Novelty(len(rows), compared, match, best if match is not None else None, in_train)

    def decode(self, row: int) -> Structure:
        """The decode of an atlas row, kept for the next time."""
        if row not in self._decodes:
            self._decodes[row] = self.model.decode(self.atlas.z[row])[0]
            if len(self._decodes) > _REMEMBERED:
                self._decodes.popitem(last=False)
        self._decodes.move_to_end(row)
        return self._decodes[row]

    def rows_of(self, formula: str) -> np.ndarray:
        """Atlas rows (k,) with a reduced formula, however the atlas writes it."""
        from pymatgen.core import Composition

        formulas = self.atlas.table["formula"]
        rows = self._rows_by_elements.get(_elements(formula), [])
        same = []
        for row in rows:
            written = str(formulas.iat[row])
            if written == formula or _reduced(Composition, written) == formula:
                same.append(row)
        return np.array(same, dtype=int)

    @cached_property
    def _rows_by_elements(self) -> dict[frozenset[str], list[int]]:
        # formulas are not parsed here: that takes more than a second for twenty thousand
        rows = defaultdict(list)
        for row, formula in enumerate(self.atlas.table["formula"]):
            rows[_elements(str(formula))].append(row)
        return dict(rows)


def _elements(formula: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Z][a-z]?", formula))


def _reduced(composition: type, formula: str) -> str | None:
    try:
        return str(composition(formula).reduced_formula)
    except ValueError:
        return None  # an atlas of somebody's own may hold any text


def _rms(one: Structure, other: Structure) -> float | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return match_rms(one, other)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None  # of a cell so flat that it cannot be reduced
