"""The explorer without its looks: one object that holds all state and says when it changes.

Views subscribe and read; whatever a user does becomes one call of a service here. Nothing in it knows of widgets, so
that everything the explorer does can also be done, and tested, without a browser.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import TargetError
from xcrystal.explorer.drawing.point_colors import colors
from xcrystal.explorer.session.aliases import ALIASES
from xcrystal.explorer.session.commands import Command, Move
from xcrystal.explorer.session.controls import Controls
from xcrystal.explorer.session.display import Display
from xcrystal.explorer.session.history import Entry
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.own_crystals import OwnCrystals
from xcrystal.explorer.session.pins import Pins
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.saving.session_file import SessionFile
from xcrystal.explorer.session.selections import Selections
from xcrystal.explorer.session.sliders import Sliders
from xcrystal.explorer.session.state import State
from xcrystal.explorer.session.store import Progress, Reactions, Store
from xcrystal.explorer.session.tabs.assessment import Assessment
from xcrystal.explorer.session.tabs.change_summary import describe
from xcrystal.explorer.session.tabs.counterfactual_search import CounterfactualSearch
from xcrystal.explorer.session.tabs.crystal_design import CrystalDesign
from xcrystal.explorer.session.tabs.crystal_stability import Stability
from xcrystal.explorer.session.tabs.decoding_steps import Decoding
from xcrystal.explorer.session.tabs.diffraction import Diffraction
from xcrystal.explorer.session.tabs.explanations import Explanations
from xcrystal.explorer.session.tabs.group_directions import Directions
from xcrystal.explorer.session.tabs.group_explanations import GroupExplanations
from xcrystal.explorer.session.tabs.interpolation import Interpolation
from xcrystal.explorer.session.tabs.modifications import Modifications
from xcrystal.explorer.session.tabs.ordered_approximants import OrderedApproximants
from xcrystal.explorer.session.tabs.property_slider import PropertySliders
from xcrystal.explorer.session.tabs.property_steering import PropertySteering
from xcrystal.explorer.session.tabs.refinement import Refinement

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable


class Session:
    """State of one explorer, and all that can be done in it.

    Parameters
    ----------
    model
        Encodes, decodes, predicts.
    atlas
        Known crystals, their latent vectors and UMAP coordinates.

    Attributes
    ----------
    points
        Decodes latent vectors, and says what is known of them.
    display, controls
        What is drawn and how; what is offered.
    navigation, refinement, sliders, property_sliders
        Where to go; better crystals when idle; along axes; along properties.
    selections, directions, own_crystals
        Crystals of the atlas; directions between groups of them; a user's own over the map.
    approximants
        Ordered cells that stand for a disordered crystal.
    interpolation, pins
        Paths, and pinned crystals.
    steering, modifications, counterfactual_search
        Properties and compositions that are aimed at; edits; the smallest edits that turn an outcome.
    crystal_design
        Crystals with wanted properties, elements and symmetry.
    explanations, group_explanations, assessment
        Attributions; of groups of crystals; the report of the crystal, and the decoder's runners-up.
    decoding
        The decode step by step, and choices of the decoder that are overruled.
    stability
        The hull of known crystals, signals of synthesizability, and relaxing.
    diffraction
        Powder patterns, and a search by a measured one.
    file
        The session as JSON and as code.

    Notes
    -----
    Methods may be called from any thread. Bad input never raises here: it becomes ``message``, and the rest of the
    state stays as it was. A target, colour or axis that does not exist is the caller's mistake and raises. Each act is
    one step of ``undo``; a drag is one step until it ends. Names of earlier versions lead on, with a warning.
    """

    def __init__(self, model: Explorable, atlas: Atlas) -> None:
        self.model, self.atlas = model.with_known(atlas), atlas
        self.points = points = Points(self.model, atlas)
        first = points.first()
        self._store = store = Store(State(point=first, base=first, color=next(iter(colors(atlas)), "")))
        self.display = Display(store, points)
        self.controls = Controls(store)
        self.refinement = Refinement(store, points, lambda structure: self.modifications.matched(structure))
        self.sliders = Sliders(store, points)
        self.property_sliders = PropertySliders(store, points, self.sliders)
        self.navigation = Navigation(store, points, self.sliders)
        self.selections = Selections(store, points)
        self.directions = Directions(store, points, self.sliders, self.selections)
        self.own_crystals = OwnCrystals(store, points, self.navigation)
        self.approximants = OrderedApproximants(store, points, self.own_crystals)
        self.interpolation = Interpolation(store, points)
        self.pins = Pins(store, points, self.navigation, self.interpolation, self.controls)
        self.steering = PropertySteering(store, points, self.navigation)
        self.crystal_design = CrystalDesign(store, points, self.navigation)
        self.modifications = Modifications(store, points)
        self.counterfactual_search = CounterfactualSearch(store, points, self.modifications)
        self.explanations = Explanations(store, points, self.display, self.sliders)
        self.group_explanations = GroupExplanations(store, points)
        self.assessment = Assessment(store, points, self.navigation)
        self.decoding = Decoding(store, points, self.navigation)
        self.stability = Stability(store, points, self.navigation)
        self.diffraction = Diffraction(store, points, self.navigation, self.display)
        self.file = SessionFile(store, points, self.pins, self.display, self.explanations, self.controls)
        store.reactions = Reactions(
            replaced=self.explanations.follow,
            summarize=self._summarize,
            settle=self.settle,
            revisited=lambda state: self.refinement.skip(state.point),
        )

    # -- what happens at an event ------------------------------------------------------------------------------------

    def _summarize(self, before: State, after: State, command: Command) -> str:
        axis = None
        if isinstance(command, Move):
            try:
                axis = self.sliders.axis(command.axis)
            except TargetError:  # it is gone
                axis = None
        return describe(before, after, command, axis)

    def settle(self) -> None:
        """End a drag, and do what waited for it: rerank the crystal, explain it, report on it."""
        store = self._store
        with store.lock:
            moved, store.idle = not store.idle, True
            self.modifications.release()
            other = self.refinement.rerank()
            if other:
                self.explanations.forget()
                store.emit("crystal", "history")
                self.modifications.match_again()
                store.summarize_again()
            explained = self.explanations.update()
            if moved and not other and not explained:
                store.emit("settled")
            self.assessment.update()

    # -- what is shown -----------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """All that undo brings back; see ``xcrystal.explorer.session.state.State``."""
        return self._store.state

    @property
    def z(self) -> np.ndarray:
        """(latent_dim,) float32 current latent vector."""
        return self.state.point.z

    @property
    def label(self) -> str:
        """What the current crystal is, in words; may contain a file name, so escape it."""
        return self.state.point.label

    @property
    def structure(self) -> Structure:
        """Decode of ``z``."""
        return self.state.point.structure

    @property
    def predicted(self) -> dict[str, float]:
        """Property name to value, at ``z``."""
        return self.state.point.predicted

    @property
    def idle(self) -> bool:
        """False during a drag, until ``settle``."""
        return self._store.idle

    @property
    def message(self) -> str:
        """One sentence to the user, or ""."""
        return self._store.message

    @property
    def change_summary(self) -> str:
        """What the last change did, in one line."""
        return self._store.summary

    @property
    def change_summaries(self) -> list[str]:
        """What all changes did, oldest first."""
        return self._store.summaries

    @property
    def progress(self) -> Progress | None:
        """While something long is done: how far it has come."""
        return self._store.progress

    def subscribe(self, view: Callable[[str], None]) -> Callable[[], None]:
        """Call ``view(event)`` after each change, with one of ``EVENTS`` of the store; returns what ends that."""
        return self._store.subscribe(view)

    def report(self, message: str) -> None:
        """Say one sentence to the user."""
        self._store.report(message)

    def can(self, capability: str) -> bool:
        """Whether the model has a capability; if not, the reason is reported."""
        return self._store.allow(self.model.lacks(capability))

    def stop(self) -> None:
        """End what takes long, after its present step; may be called from any thread at any time."""
        self._store.stop()

    # -- undo --------------------------------------------------------------------------------------------------------

    @property
    def history(self) -> tuple[Entry, ...]:
        """What was done, oldest first; also what was undone."""
        return tuple(self._store.history.entries)

    @property
    def place_in_history(self) -> int:
        """Which entry of ``history`` is shown."""
        return self._store.history.place

    def undo(self) -> None:
        """Go back to what was before the last act."""
        with self._store.lock:
            self._store.go_back(self.place_in_history - 1)

    def redo(self) -> None:
        """Go forward to what was undone."""
        with self._store.lock:
            self._store.go_back(self.place_in_history + 1)

    def go_to_entry(self, place: int) -> None:
        """Go to any entry of the history; without effect if there is no such entry."""
        self._store.go_back(place)

    def begin_here(self) -> None:
        """Forget what was done so far: undo and ``reset`` lead back to the present state."""
        self._store.begin_here()

    # -- everyday verbs; everything else is a method of a service ----------------------------------------------------

    def select(self, crystal: int | str) -> None:
        """Go to an atlas crystal, by row or material id; see ``Navigation.select``."""
        self.navigation.select(crystal)

    def load(self, source: Any) -> bool:
        """Go to a path, a Structure, or a material id; see ``Navigation.load``."""
        return self.navigation.load(source)

    def go(self, z: Any, label: str = "") -> None:
        """Go to any latent vector (latent_dim,); see ``Navigation.go``."""
        self.navigation.go(z, label)

    def move(self, axis: int | str, value: float) -> None:
        """Set one slider, in standard deviations of the atlas; see ``Navigation.move``."""
        self.navigation.move(axis, value)

    def reset(self) -> None:
        """Go back to the beginning; undo brings it all back."""
        self.navigation.reset()

    def search(self, query: str) -> None:
        """Select the atlas crystals that a query describes; see ``Selections.search``."""
        self.selections.search(query)

    def overlay(self, sources: Any) -> None:
        """Lay crystals over the map; see ``OwnCrystals.overlay``."""
        self.own_crystals.overlay(sources)

    def set_end(self, name: str, source: Any = None) -> bool:
        """Set the end "A" or "B" of a path; see ``Interpolation.set_end``."""
        return self.interpolation.set_end(name, source)

    def interpolate(self, kind: str = "linear", frames: int = 16) -> bool:
        """Make the path from A to B; see ``Interpolation.interpolate``."""
        return self.interpolation.interpolate(kind, frames)

    def pin(self) -> bool:
        """Pin the crystal that is shown; see ``Pins.add``."""
        return self.pins.add()

    def steer(
        self, target: str, direction: str = "lower", steps: int = 10, hold: Collection[str] = (), seed: int = 0
    ) -> int:
        """Raise or lower a property in small steps; see ``PropertySteering.steer``."""
        return self.steering.steer(target, direction, steps, hold, seed)

    def propose(self, formula: str, count: int = 5, seed: int = 0) -> int:
        """Look for crystals of a composition; see ``PropertySteering.propose``."""
        return self.steering.propose(formula, count, seed)

    def explain(
        self, target: str | None, method: str | None = None, level: str = "atoms", baseline: str | None = None
    ) -> None:
        """Explain what the model says of the crystal; see ``Explanations.explain``."""
        self.explanations.explain(target, method, level, baseline)

    def show(self, which: str) -> None:
        """Draw the "decoded" or the "loaded" crystal, "both", or an "overlay"; see ``Display.show``."""
        self.display.show(which)

    def code(self) -> str:
        """Python that brings a new explorer to the present view; see ``SessionFile.code``."""
        return self.file.code()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the session to a file; see ``SessionFile.save``."""
        self.file.save(path)

    # -- names of earlier versions -----------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        path = ALIASES.get(name)
        if path is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        warnings.warn(f"session.{name} is now session.{path}.", DeprecationWarning, stacklevel=2)
        return attrgetter(path)(self)
