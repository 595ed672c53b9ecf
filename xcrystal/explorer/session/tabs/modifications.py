"""Edits of the crystal that is shown: what if this atom were another.

An edited crystal takes the place of a loaded one: it is drawn as it was edited, the point is at its own latent vector,
and what the model decodes from that is its reconstruction.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.reading import check_size
from xcrystal.errors import InvalidCrystalError, UnsupportedElementWarning, XCrystalError, one_sentence
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.session.commands import (
    Command,
    EditCrystal,
    EditOrbit,
    Load,
    MoveOrbit,
    PlainCrystal,
    Remove,
    Strain,
    Substitute,
)
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.records import Loaded
from xcrystal.explorer.session.store import Store

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from xcrystal.crystal.editing import Edit
    from xcrystal.crystal.symmetry.orbits import Opened
    from xcrystal.explanation.counterfactuals import Counterfactual


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
    """The crystal that edits apply to, and the acts that lead to it."""

    opened: Opened
    commands: tuple[Command, ...]
    drawn_primitive: bool


class Modifications:
    """Acts that edit the crystal.

    Attributes
    ----------
    picked
        Which of the crystals that are drawn, and which of its atoms, was picked last; None for none.
    """

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points
        self.picked: tuple[int, int] | None = None
        self._held: tuple[tuple[int, str], Subject] | None = None  # an orbit and its axis that are dragged, and of what
        self._changes: WeakKeyDictionary[Loaded, Change] = WeakKeyDictionary()
        self._said: WeakKeyDictionary[Opened, Said] = WeakKeyDictionary()
        self._opened: list[tuple[Structure, Opened]] = []

    def pick(self, picked: tuple[int, int] | None) -> None:
        """Remember which atom was picked: (crystal, atom)."""
        self.picked = picked
        self._store.emit("picked")

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

        command = Substitute(orbit, element, only_atom=only_atom, cell=cell)
        return self._edit(lambda of: substitute(of, orbit, element, only_atom), command)

    def remove(self, orbit: int, only_atom: int | None = None, cell: str | None = None) -> bool:
        """Remove an orbit, or one of its atoms; as ``substitute``."""
        from xcrystal.crystal.editing import remove

        command = Remove(orbit, only_atom=only_atom, cell=cell)
        return self._edit(lambda of: remove(of, orbit, only_atom), command)

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
            During a drag: ``amount`` counts from where it began, and what is slow follows with ``settle``.
        """
        from xcrystal.crystal.editing import move

        try:
            amount = round(float(amount), 4)  # as the code has it
        except (TypeError, ValueError):
            self._store.report("An atom is moved by a number.")
            return False
        command = MoveOrbit(orbit, axis, amount, only_atom=only_atom, cell=cell)
        held = (orbit, axis) if moving else None
        return self._edit(lambda of: move(of, orbit, axis, amount, only_atom), command, held=held)

    def strain(self, parameter: str, amount: float) -> bool:
        """Strain the cell with its symmetry kept: "all", or a lattice parameter that is free; 0.02 is 2 %."""
        from xcrystal.crystal.editing import strain

        return self._edit(lambda of: strain(of, parameter, amount), Strain(parameter, amount))

    def editable(self, cell: str | None = None) -> Subject:
        """The crystal that edits apply to: the loaded one while it or its reconstruction is shown, else the decode.

        Raises
        ------
        XCrystalError
            If it cannot be edited.
        """
        with self._store.lock:
            loaded, point = self._store.state.loaded, self._store.state.point
            own = loaded is not None and loaded.z is point.z
            if loaded is not None and (own or self._store.state.loaded_shown is not None):
                if not loaded.structure.is_ordered:
                    raise InvalidCrystalError(loaded.reason)
                command = Load(PlainCrystal.of(loaded.structure), name=loaded.name)
                commands = point.commands if own else (command,)
                return Subject(self._open(loaded.structure), commands, False)
            primitive = (cell or self._store.state.cell) == "primitive"
            structure = point.structure if primitive else conventional_cell(point.structure)
            return Subject(self._open(structure), point.commands, primitive)

    @property
    def held(self) -> Subject | None:
        """The crystal of which an orbit is being dragged, as it was when the drag began."""
        return self._held[1] if self._held is not None and not self._store.idle else None

    @property
    def change(self) -> Change | None:
        """What the edit did that made the crystal that is shown; None if it is not an edited one."""
        loaded = self._store.state.loaded
        return None if loaded is None or loaded.z is not self._store.state.point.z else self._changes.get(loaded)

    def apply(self, one: Counterfactual, subject: Subject) -> bool:
        """Go to a counterfactual of a crystal."""
        from xcrystal.crystal.editing import strain, substitute

        if one.orbit is None:
            return self._edit(lambda of: strain(of, one.change, one.strain), Strain(one.change, one.strain), subject)
        orbit = one.orbit
        return self._edit(lambda of: substitute(of, orbit, one.change), Substitute(orbit, one.change), subject)

    def release(self) -> None:
        """End the drag of an orbit."""
        self._held = None

    def match_again(self) -> None:
        """Match an edited crystal with its reconstruction once more, after that was reranked."""
        state = self._store.state
        matched = self.matched(state.point.structure)
        if matched is not state.loaded:
            self._store.refine(replace(state, loaded=matched))
            self._store.emit("shown")

    def matched(self, reconstruction: Structure) -> Loaded | None:
        """The loaded crystal, matched with another reconstruction; itself if the point shown is not its own."""
        loaded = self._store.state.loaded
        if loaded is None or loaded.z is not self._store.state.point.z:
            return loaded
        better = replace(loaded, rms=match_rms(loaded.structure, reconstruction))
        if loaded in self._changes:
            self._changes[better] = self._changes[loaded]
        return better

    # -- inside

    def _open(self, structure: Structure) -> Opened:
        from xcrystal.crystal.symmetry.orbits import open_crystal

        for known, opened in self._opened:
            if known is structure:
                return opened
        opened = open_crystal(structure)
        self._opened[:] = [*self._opened[-3:], (structure, opened)]
        return opened

    def _edit(
        self,
        act: Callable[[Opened], Edit],
        command: EditCrystal,
        subject: Subject | None = None,
        *,
        held: tuple[int, str] | None = None,
    ) -> bool:
        with self._store.lock:
            try:
                if held is not None and not self._store.idle and self._held is not None and self._held[0] == held:
                    subject = self._held[1]
                subject = subject or self.editable(command.cell if isinstance(command, EditOrbit) else None)
                edit = act(subject.opened)
                size = int(edit.crystal.multiplicities.sum()), len(edit.crystal.positions)
                check_size(*size, *self._points.model.limits)
                before = self._said_of(subject.opened)
            except XCrystalError as error:
                self._store.report(str(error))
                return False
            self._held = None if held is None else (held, subject)
            if isinstance(command, EditOrbit):  # the cell matters to the number of an atom only
                numbered = subject.drawn_primitive and command.only_atom is not None
                command = replace(command, cell="primitive" if numbered else None)
            self._show(edit, command, before, subject, held)
            return True

    def _said_of(self, opened: Opened) -> Said:
        known = self._said.get(opened)
        if known is None:
            z = self._points.model.encode_canonical([self._points.model.canonical(opened.structure).crystal])
            predicted = {name: float(values[0]) for name, values in self._points.model.predict(z).items()}
            intervals = {
                name: (float(v[0, 0]), float(v[0, 1])) for name, v in self._points.model.known_intervals(z).items()
            }
            formula = opened.structure.composition.reduced_formula
            self._said[opened] = known = Said(formula, predicted, intervals, z[0])
        return known

    def _show(
        self, edit: Edit, command: EditCrystal, before: Said, subject: Subject, held: tuple[int, str] | None
    ) -> None:
        from xcrystal.latent.density import Density

        structure = edit.structure
        if "space_group" in structure.properties and not subject.drawn_primitive:
            structure = conventional_cell(structure)  # so that the picture does not jump to another cell
        formula = structure.composition.reduced_formula
        z = self._points.model.encode_canonical([edit.crystal])[0]
        extrapolates = not Density.of(self._points.atlas).inside(z)
        command = replace(command, words=_words(edit, extrapolates), formula=formula)
        commands = (*subject.commands, command)
        point = self._points.at(z, command.label(), commands, quick=held is not None)
        cautions = [edit.caution, self._rarity(edit)]
        if extrapolates:
            cautions.append("This crystal is far from those that the model knows: its predictions are guesses.")
        caution = one_sentence(" ".join(part for part in cautions if part))
        loaded = self._points.loaded(structure, edit.canonical, command.name, point, caution)
        after = Said(formula, point.predicted, point.intervals, z)
        self._changes[loaded] = Change(edit.words, edit.symmetry, before, after, extrapolates, edit.caution)
        self._store.commit(
            command,
            gesture=None if held is None else ("move orbit", *held),
            settle=held is None,
            point=point,
            base=point,
            loaded=loaded,
            shown="loaded",
        )

    def _rarity(self, edit: Edit) -> str:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self._points.model.warn_of_elements([edit.crystal], stacklevel=2)
        return " ".join(str(w.message) for w in caught if issubclass(w.category, UnsupportedElementWarning))


def _words(edit: Edit, extrapolates: bool) -> str:
    """What an edit did, and whether the symmetry fell and the model has to extrapolate."""
    words = edit.words
    if edit.space_group_after != edit.space_group_before or edit.operations_after < edit.operations_before:
        symmetry = edit.symmetry.rstrip(".")
        words += f" ({symmetry[:1].lower()}{symmetry[1:]})"
    return words + (", far from the data: an extrapolation" if extrapolates else "")
