"""How stable the crystal is: the hull of known crystals, signals of synthesizability, and what relaxing makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.crystal.cif_writing import symmetric_cif_text
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.energetics.background import BackgroundRelaxation
from xcrystal.energetics.hull import Hull, hull
from xcrystal.energetics.potentials import potential_of
from xcrystal.errors import XCrystalError, one_sentence
from xcrystal.explorer import words
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.session.commands import Load, PlainCrystal, Relax
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.records import Loaded
from xcrystal.explorer.session.state import Point
from xcrystal.explorer.session.store import Store
from xcrystal.generator import CrystalModel

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.assessment.synthesis_signals import SynthesisSignals
    from xcrystal.energetics.relaxing import Relaxation, Step
    from xcrystal.latent.atlas import Atlas

MOST_ATOMS = 100  # in the cell; steps of larger ones take seconds each
FORMATION_ENERGY = "formation_energy_per_atom"
_TABLE = "mp20"  # the atlas whose formation energies ship
_PACE = 0.25  # seconds between two looks at a running relaxation
_CAUTION = "Relaxed with {}, a potential that was learned from DFT; not verified by DFT."

Subject = Point | Loaded
"""The crystal that is shown: a decode, or a loaded one."""


@dataclass(frozen=True, eq=False)
class Standing:
    """How a crystal stands beside the known ones.

    Attributes
    ----------
    formula
        Of the crystal.
    energy
        Formation energy that the model predicts at the crystal's own latent vector, eV/atom; None if it predicts none.
    hull
        Made of the formation energies that ship, with the crystal at ``energy``; None if there is a ``trouble``.
    trouble
        Why there is no hull, in a sentence; otherwise empty.
    signals
        Of synthesizability; None if there is a ``silence``.
    silence
        Why there are no signals, in a sentence; otherwise empty.
    """

    formula: str
    energy: float | None
    hull: Hull | None
    trouble: str
    signals: SynthesisSignals | None
    silence: str


@dataclass(eq=False)
class Running:
    """A relaxation that is going on: of what, with what, and energies (eV/atom) and largest forces (eV/Å) so far."""

    formula: str
    potential: str
    process: BackgroundRelaxation
    energies: list[float] = field(default_factory=list)
    forces: list[float] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A crystal that was relaxed.

    Attributes
    ----------
    name
        Of the relaxed crystal, such as "relaxed NaCl"; may hold a file name, so escape it.
    subject
        What was relaxed: a decode, or a loaded crystal.
    relaxation
        Curves, energies and symmetry; its ``structure`` is None if it failed.
    before, after
        In the cell that is drawn; ``after`` is None if it failed.
    hull_before, hull
        Where the potential puts the crystal before and after; None where that is not known.
    trouble
        Why there is no hull, in a sentence; otherwise empty.
    """

    name: str
    subject: Subject
    relaxation: Relaxation
    before: Structure
    after: Structure | None
    hull_before: Hull | None
    hull: Hull | None
    trouble: str

    @property
    def title(self) -> str:
        """What the potential is called."""
        return potential_of(self.relaxation.potential).title

    def is_of(self, subject: Subject) -> bool:
        """Whether it began at a crystal, or led to it."""
        return subject is self.subject or subject.structure is self.after


class Stability:
    """Compares the crystal with known ones, and relaxes it.

    Attributes
    ----------
    running
        The relaxation that is going on, or None.
    last
        The crystal that was relaxed last, or None.
    opinions
        What each potential that has relaxed this crystal made of it.
    """

    def __init__(self, store: Store, points: Points, navigation: Navigation) -> None:
        self._store, self._points, self._navigation = store, points, navigation
        self._known: WeakKeyDictionary[Subject, Standing] = WeakKeyDictionary()
        self.running: Running | None = None
        self.last: Relaxed | None = None
        self.opinions: dict[str, Relaxed] = {}

    # -- beside known crystals

    @property
    def subject(self) -> Subject:
        """The crystal that is shown: the loaded one if it is drawn alone, otherwise the decode."""
        state = self._store.state
        return state.loaded_shown or state.point

    @property
    def standing(self) -> Standing | None:
        """Of the crystal that is shown; None until ``make`` has made it."""
        return self._known.get(self.subject)

    def make(self) -> Standing:
        """Compare the crystal that is shown with the hull, and look at its signals, if that is not done yet."""
        with self._store.lock:
            subject = self.subject
            if subject not in self._known:
                self._known[subject] = self._compared(subject)
                self._store.emit("stability")
            return self._known[subject]

    @cached_property
    def _table(self) -> Atlas | str:
        """The atlas with the formation energies that ship."""
        return self._points.atlas if self._points.atlas.name == _TABLE else _TABLE

    def _compared(self, subject: Subject) -> Standing:
        energy = self._predicted(subject)
        made, trouble = self._hull(subject.structure, energy)
        signals, silence = self._signals(subject.structure)
        return Standing(words.formula_of(subject.structure), energy, made, trouble, signals, silence)

    def _predicted(self, subject: Subject) -> float | None:
        """Of the crystal itself: a decode may not have what was predicted at the vector that it was decoded from."""
        if isinstance(subject, Point):
            return (self._points.achieved(subject) or {}).get(FORMATION_ENERGY)
        return (subject.predicted or {}).get(FORMATION_ENERGY)

    def _hull(self, crystal: Structure | Relaxation, energy: float | None = None) -> tuple[Hull | None, str]:
        """The hull of the elements of a crystal, or why there is none."""
        given = crystal.composition.reduced_formula if hasattr(crystal, "composition") else crystal
        if isinstance(given, str) and not getattr(crystal, "is_ordered", True):
            return None, "The hull of a disordered crystal is not computed: take an ordered approximant of it."
        try:
            return hull(given, energy, atlas=self._table), ""
        except XCrystalError as error:
            return None, one_sentence(str(error))

    def _signals(self, structure: Structure) -> tuple[SynthesisSignals | None, str]:
        from xcrystal.assessment.synthesis_signals import signals_of
        from xcrystal.crystal.reading import check_structure

        model = self._points.model
        if not isinstance(model, CrystalModel):
            return None, "The signals need a model of xcrystal's own."
        try:
            return signals_of(model, self._points.atlas, [check_structure(structure)])[0], ""
        except XCrystalError as error:
            return None, one_sentence(str(error))

    # -- relaxing

    def obstacle(self, potential: str = "chgnet") -> str:
        """Why the crystal that is shown cannot be relaxed with a potential, in a sentence; empty if it can.

        Raises
        ------
        TargetError
            If there is no such potential.
        """
        structure = self.subject.structure
        formula = words.formula_of(structure)
        if lacking := potential_of(potential).missing:
            return lacking
        if not structure.is_ordered:
            return f"{formula} is disordered, and only ordered crystals can be relaxed."
        if len(structure) > MOST_ATOMS:
            return (
                f"{formula} has {len(structure)} atoms in its cell, and more than {MOST_ATOMS} take too long here: "
                "save the CIF, and use the command xcrystal relax."
            )
        return ""

    def relax(self, potential: str = "chgnet") -> bool:
        """Relax the crystal that is shown, in a process of its own, and draw it beside what it was.

        This waits for the end, and meanwhile everything else goes on. If another crystal is shown at the end, ``last``
        has the relaxed one, and ``show_relaxed`` draws it.

        Parameters
        ----------
        potential
            "chgnet" or "sevennet".

        Returns
        -------
        bool
            Whether it was relaxed; if not, ``message`` says why.
        """
        with self._store.lock:
            if not self._store.idle:
                self._store.reactions.settle()
            shown, obstacle = self.subject, self.obstacle(potential)
            if not self._store.allow(obstacle or self._busy()):
                return False
            first = next((one for one in self.opinions.values() if one.is_of(shown)), None)
            # where another potential began, not what it led to: so both relax the same crystal
            another = first is not None and first.relaxation.potential != potential
            subject = first.subject if first is not None and another else shown
            formula = words.formula_of(subject.structure)
            process = BackgroundRelaxation(subject.structure, potential=potential)
            running = self.running = Running(formula, potential, process)
        self._store.emit("stability")
        try:
            found = running.process.run(self._follow(running))
            relaxed = None if found is None else self._relaxed(subject, formula, found)
        except XCrystalError as error:
            self._ended(str(error))
            return False
        except BaseException:
            self._ended("")
            raise
        if relaxed is None:
            self._ended(f"Relaxing {formula} was stopped.")
            return False
        if not any(one.is_of(subject) for one in self.opinions.values()):
            self.opinions = {}
        self.last = relaxed
        self.opinions = {**self.opinions, potential: relaxed}
        self._ended(f"{formula} could not be relaxed: {relaxed.relaxation.error}" if relaxed.after is None else "")
        with self._store.lock:
            if relaxed.after is not None and self.subject is shown and self._store.idle:
                self.show_relaxed()
        return relaxed.after is not None

    def stop(self) -> None:
        """End a relaxation at once; may be called from any thread at any time."""
        running = self.running
        if running is not None:
            running.process.stop()

    def show_relaxed(self) -> bool:
        """Draw the crystal that was relaxed last, beside the decode if it was one; gives whether there is one."""
        with self._store.lock:
            last = self.last
            if last is None or last.after is None:
                self._store.report("No crystal has been relaxed yet.")
                return False
            command = Relax(last.relaxation.potential, formula=words.formula_of(last.after))
            loaded = self._as_loaded(last)
            if isinstance(last.subject, Point):
                point = last.subject
                base = self._store.state.base if self._store.state.point is point else point
                self._store.commit(command, point=point, base=base, loaded=loaded, shown="both")
            else:
                self._store.commit(command, loaded=loaded, shown="loaded")
            return True

    def go_to_relaxed(self) -> bool:
        """Go to the latent vector of the crystal that was relaxed last, as if it were loaded."""
        with self._store.lock:
            last = self.last
            if last is None or last.after is None:
                self._store.report("No crystal has been relaxed yet.")
                return False
            return self._navigation.take(last.after, last.name)

    def cif(self) -> str:
        """CIF text of the crystal that was relaxed last; empty if there is none."""
        last = self.last
        if last is None or last.after is None:
            return ""
        state = "relaxed" if last.relaxation.converged else "not relaxed to the end"
        return symmetric_cif_text(last.after, f"{last.name}, {state} by {last.title}, not verified by DFT")

    # -- inside

    def _busy(self) -> str:
        return "" if self.running is None else f"{self.running.formula} is being relaxed: wait for it, or stop it."

    def _ended(self, message: str) -> None:
        self.running = None
        if message:
            self._store.report(message)
        self._store.emit("stability")

    def _follow(self, running: Running) -> Callable[[Step], None]:
        seen = 0.0

        def on_step(step: Step) -> None:
            nonlocal seen
            running.energies.append(step.energy)
            running.forces.append(step.force)
            now = time.monotonic()
            if now - seen > _PACE:
                seen = now
                self._store.emit("stability")

        return on_step

    def _relaxed(self, subject: Subject, formula: str, found: Relaxation) -> Relaxed:
        before, after = subject.structure, found.structure
        if isinstance(subject, Point):
            whole = conventional_cell(before)
            after, before = None if after is None else _in_cell_of(whole, before, after), whole
        made, trouble = (None, "") if after is None else self._hull(found)
        first = found.formation_energy_at(0)
        own = self._hull(before, first)[0] if np.isfinite(first) else None
        name = formula if isinstance(subject, Point) else subject.name
        return Relaxed(f"relaxed {name.removeprefix('relaxed ')}", subject, found, before, after, own, made, trouble)

    def _as_loaded(self, last: Relaxed) -> Loaded:
        """The relaxed crystal as one that was loaded."""
        structure, model, caution = last.after, self._points.model, _CAUTION.format(last.title)
        assert structure is not None
        command = Load(PlainCrystal.of(structure), name=last.name)
        try:
            found = model.canonical(structure)
        except XCrystalError as error:
            group = space_group_number(structure, handed=True) or None
            reason = one_sentence(str(error))
            return Loaded(last.name, structure, group, reason=reason, caution=caution, relaxed=True)
        point = self._points.reconstruction(found, command)
        return replace(self._points.loaded(structure, found, last.name, point, caution), relaxed=True)


def _in_cell_of(whole: Structure, primitive: Structure, relaxed: Structure) -> Structure:
    """A relaxed primitive cell, in the multiple of it that ``whole`` is of the primitive one."""
    if whole is primitive:
        return relaxed
    cells = np.rint(whole.lattice.matrix @ primitive.lattice.inv_matrix).astype(int)
    return relaxed.make_supercell(cells, in_place=False)
