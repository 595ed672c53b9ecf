"""Changing the crystal that is shown: what if this atom were another; and the smallest changes that turn an outcome.

An edited crystal takes the place of a loaded one: it is drawn as it was edited, its own code is what the point is at,
and what the model decodes from that is its reconstruction.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xcrystal.crystal.matching import match_rms
from xcrystal.crystal.reading import check_size
from xcrystal.errors import UnsupportedElementWarning, XCrystalError, one_sentence
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.session.navigation import Going, structure_code
from xcrystal.explorer.session.records import Loaded

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from xcrystal.crystal.editing import Edit
    from xcrystal.crystal.orbits import Opened
    from xcrystal.explanation.counterfactuals import Counterfactual

SEARCH = "Counterfactuals"  # title of the progress
MOST_FOUND = 12  # beyond the model's error, and as many within


@dataclass(frozen=True, eq=False)
class Said:
    """What the model says of one crystal: properties and their 90 % intervals at ``z`` (latent_dim,)."""

    formula: str
    predicted: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    z: np.ndarray


@dataclass(frozen=True, eq=False)
class Change:
    """What one edit did: in words, to the symmetry, and to what the model says; whether it extrapolates."""

    words: str
    symmetry: str
    before: Said
    after: Said
    extrapolates: bool
    caution: str


@dataclass(frozen=True, eq=False)
class Subject:
    """The crystal that edits apply to, and the code that leads to it."""

    opened: Opened
    code: tuple[str, ...]
    drawn_primitive: bool


@dataclass(frozen=True, eq=False)
class Search:
    """Counterfactuals that were looked for: of what, which outcome, what was found; whether all was tried."""

    subject: Subject
    formula: str
    outcome: str
    found: tuple[Counterfactual, ...]
    complete: bool


class Changing(Going):
    """Acts that edit the crystal.

    Attributes
    ----------
    picked
        Which of the crystals that are drawn, and which of its atoms, a hand picked last; None for none.
    search_of_changes
        The last search for counterfactuals.
    """

    picked: tuple[int, int] | None = None
    search_of_changes: Search | None = None
    _hand: tuple[tuple[int, str], Subject] | None = None  # an orbit and its axis that a hand moves, and from where

    def pick(self, picked: tuple[int, int] | None) -> None:
        """Remember which atom was picked, (crystal, atom), for whom it may concern."""
        self.picked = picked
        self._emit("picked")

    # -- edits

    def substitute(self, orbit: int, element: str, only_atom: int | None = None, cell: str | None = None) -> bool:
        """Put another element on an orbit of the crystal.

        Parameters
        ----------
        orbit
            Its number among ``editable().opened.sites()``, from 0, as in ``site_properties["orbit"]``; the target
            "element of orbit 1" counts from 1.
        element
            Symbol.
        only_atom
            Index of one of its atoms, in the cell that is drawn, if only that one is to change.
        cell
            "conventional" or "primitive" cell of a decode, if not the one that is drawn; a loaded crystal has one cell.

        Returns
        -------
        bool
            Whether it was done; if not, ``message`` says why.
        """
        from xcrystal.crystal.editing import substitute

        line = f"session.substitute({orbit!r}, {element!r}"
        return self._edit(lambda of: substitute(of, orbit, element, only_atom), line, only_atom, cell)

    def remove(self, orbit: int, only_atom: int | None = None, cell: str | None = None) -> bool:
        """Remove an orbit, or one of its atoms; as ``substitute``."""
        from xcrystal.crystal.editing import remove

        return self._edit(lambda of: remove(of, orbit, only_atom), f"session.remove({orbit!r}", only_atom, cell)

    def move_orbit(
        self,
        orbit: int,
        axis: str,
        amount: float,
        only_atom: int | None = None,
        cell: str | None = None,
        *,
        moving: bool = False,
    ) -> bool:
        """Move an orbit along a free coordinate, or one atom along an axis of its cell; as ``substitute``.

        Parameters
        ----------
        orbit, only_atom, cell
            As for ``substitute``.
        axis, amount
            "x", "y" or "z", and by how much of the conventional cell (one atom: of the cell that is drawn).
        moving
            While a hand drags: ``amount`` counts from where the hand began, and what is slow follows at rest.
        """
        from xcrystal.crystal.editing import move

        try:
            amount = round(float(amount), 4)  # as the code has it
        except (TypeError, ValueError):
            self.report("An atom is moved by a number.")
            return False
        line = f"session.move_orbit({orbit!r}, {axis!r}, {amount!r}"
        of = (orbit, axis) if moving else None
        return self._edit(lambda of: move(of, orbit, axis, amount, only_atom), line, only_atom, cell, hand=of)

    def strain(self, parameter: str, amount: float) -> bool:
        """Strain the cell with its symmetry kept: "all", or a lattice parameter that is free; 0.02 is 2 %."""
        from xcrystal.crystal.editing import strain

        return self._edit(lambda of: strain(of, parameter, amount), f"session.strain({parameter!r}, {amount!r}")

    def editable(self, cell: str | None = None) -> Subject:
        """The crystal that edits apply to: the loaded one while it or its reconstruction is shown, else the decode.

        Raises
        ------
        XCrystalError
            If it cannot be edited.
        """
        with self._lock:
            loaded, point = self.state.loaded, self.state.point
            own = loaded is not None and loaded.z is point.z
            if loaded is not None and (own or self.state.shown == "loaded"):
                code = point.code if own else (f"session.load({structure_code(loaded.structure)})",)
                return Subject(self._open(loaded.structure), code, False)
            primitive = (cell or self.state.cell) == "primitive"
            structure = point.structure if primitive else conventional_cell(point.structure)
            return Subject(self._open(structure), point.code, primitive)

    @property
    def hand(self) -> Subject | None:
        """The crystal that a hand took hold of, while it moves an orbit of it."""
        return self._hand[1] if self._hand is not None and not self.at_rest else None

    @property
    def change(self) -> Change | None:
        """What the edit did that made the crystal that is shown; None if it is not an edited one."""
        loaded = self.state.loaded
        return None if loaded is None or loaded.z is not self.state.point.z else self._changes.get(loaded)

    # -- counterfactuals

    def counterfactuals(self, outcome: str = "metal") -> int:
        """Look for the smallest changes of the crystal after which the model predicts an outcome.

        Parameters
        ----------
        outcome
            "metal", "insulator", "stable", "unstable", or a property and a number such as "band_gap > 2".

        Returns
        -------
        int
            How many were found; they are in ``search_of_changes``.
        """
        from xcrystal.explanation.counterfactuals import candidates, counterfactuals, outcome_of

        with self._lock:
            try:
                wanted = outcome_of(outcome)
                subject = self.editable()
                crystal = self.model.canonical(subject.opened.structure).crystal
                total = len(candidates(self.model, crystal))
                with self._working(SEARCH, total) as tick:
                    found = counterfactuals(
                        self.model, crystal, wanted, most=MOST_FOUND, atlas=self.atlas, progress=tick
                    )
                    complete = not self._stopping.is_set()
                    formula = subject.opened.structure.composition.reduced_formula
                    self.search_of_changes = Search(subject, formula, wanted.name, tuple(found), complete)
            except XCrystalError as error:
                self.report(str(error))
                return 0
            if not complete:
                self.report(f"The search was stopped; {len(found)} changes were found until then.")
            elif not found:
                self.report(f"No single substitution or small strain of {formula} is predicted to be: {wanted.name}.")
            return len(found)

    def take_counterfactual(self, number: int) -> bool:
        """Go to a change that was found, by its number in the list, from 0."""
        from xcrystal.crystal.editing import strain, substitute

        with self._lock:
            search = self.search_of_changes
            if search is None or not 0 <= int(number) < len(search.found):
                count = 0 if search is None else len(search.found)
                self.report(f"There is no counterfactual {int(number)} among {count}.")
                return False
            one = search.found[int(number)]
            if one.orbit is None:
                line = f"session.strain({one.change!r}, {one.strain!r}"
                return self._edit(lambda of: strain(of, one.change, one.strain), line, subject=search.subject)
            orbit, line = one.orbit, f"session.substitute({one.orbit!r}, {one.change!r}"
            return self._edit(lambda of: substitute(of, orbit, one.change), line, subject=search.subject)

    # -- inside

    @cached_property
    def _changes(self) -> WeakKeyDictionary[Loaded, Change]:
        return WeakKeyDictionary()

    @cached_property
    def _opened(self) -> list[tuple[Structure, Opened]]:
        return []

    def _open(self, structure: Structure) -> Opened:
        from xcrystal.crystal.orbits import open_crystal

        for known, opened in self._opened:
            if known is structure:
                return opened
        opened = open_crystal(structure)
        self._opened[:] = [*self._opened[-3:], (structure, opened)]
        return opened

    def _edit(
        self,
        act: Callable[[Opened], Edit],
        line: str,
        only_atom: int | None = None,
        cell: str | None = None,
        *,
        hand: tuple[int, str] | None = None,
        subject: Subject | None = None,
    ) -> bool:
        with self._lock:
            try:
                if hand is not None and not self.at_rest and self._hand is not None and self._hand[0] == hand:
                    subject = self._hand[1]
                subject = subject or self.editable(cell)
                edit = act(subject.opened)
                check_size(int(edit.crystal.multiplicities.sum()), len(edit.crystal.positions), *self.model.limits)
                before = self._told_of(subject.opened)
            except XCrystalError as error:
                self.report(str(error))
                return False
            self._hand = None if hand is None else (hand, subject)
            if only_atom is not None:
                line += f", only_atom={only_atom!r}" + (", cell='primitive'" if subject.drawn_primitive else "")
            self._show_edit(edit, before, (*subject.code, f"{line})"), subject, hand)
            return True

    def _told_of(self, opened: Opened) -> Said:
        known = self._said_of.get(opened)
        if known is None:
            z = self.model.encode_canonical([self.model.canonical(opened.structure).crystal])
            predicted = {name: float(values[0]) for name, values in self.model.predict(z).items()}
            intervals = {name: (float(v[0, 0]), float(v[0, 1])) for name, v in self.model.known_intervals(z).items()}
            formula = opened.structure.composition.reduced_formula
            self._said_of[opened] = known = Said(formula, predicted, intervals, z[0])
        return known

    @cached_property
    def _said_of(self) -> WeakKeyDictionary[Opened, Said]:
        return WeakKeyDictionary()

    def _show_edit(
        self, edit: Edit, before: Said, code: Sequence[str], subject: Subject, hand: tuple[int, str] | None
    ) -> None:
        from xcrystal.latent.density import Density

        structure = edit.structure
        if "space_group" in structure.properties and not subject.drawn_primitive:
            structure = conventional_cell(structure)  # so that the picture does not jump to another cell
        formula = structure.composition.reduced_formula
        name = f"edited {formula}"
        z = self.model.encode_canonical([edit.crystal])[0]
        point = self._point(z, f"reconstruction of {name}", code, quick=hand is not None)
        extrapolates = not Density.of(self.atlas).inside(z)
        falls = edit.operations_after < edit.operations_before
        title = edit.words
        if edit.space_group_after != edit.space_group_before or falls:
            title += f" ({edit.symmetry.rstrip('.')[:1].lower()}{edit.symmetry.rstrip('.')[1:]})"
        if extrapolates:
            title += ", far from the data: an extrapolation"
        cautions = [edit.caution, self._rarity(edit)]
        if extrapolates:
            cautions.append("This crystal is far from those that the model knows: what it says of it is a guess.")
        caution = one_sentence(" ".join(part for part in cautions if part))
        loaded = self._as_loaded(structure, edit.canonical, name, point, caution)
        after = Said(formula, point.predicted, point.intervals, z)
        self._changes[loaded] = Change(edit.words, edit.symmetry, before, after, extrapolates, edit.caution)
        self._commit(
            title,
            gesture=None if hand is None else ("move orbit", *hand),
            settle=hand is None,
            point=point,
            base=point,
            loaded=loaded,
            shown="loaded",
        )

    def _rarity(self, edit: Edit) -> str:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.model._warn_of_elements([edit.crystal], stacklevel=2)
        return " ".join(str(w.message) for w in caught if issubclass(w.category, UnsupportedElementWarning))

    def settle(self) -> None:
        """As of every session; a hand that moved an orbit lets go of it."""
        with self._lock:
            self._hand = None
            super().settle()

    def _refine(self) -> bool:
        loaded, own = self.state.loaded, self.state.loaded is not None and self.state.loaded.z is self.state.point.z
        other = super()._refine()
        if other and own and loaded is not None:  # the match was that of the quick decode
            better = replace(loaded, rms=match_rms(loaded.structure, self.state.point.structure))
            if loaded in self._changes:
                self._changes[better] = self._changes[loaded]
            self.state = replace(self.state, loaded=better)
            self._history.refine(self.state)
            self._emit("shown")
        return other
