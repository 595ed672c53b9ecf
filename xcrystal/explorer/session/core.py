"""What all acts of a session have in common: the state, its history, the lock, and the views that hear of changes."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

import numpy as np

from xcrystal.crystal.matching import looks_the_same
from xcrystal.errors import TargetError, UnsupportedElementWarning, XCrystalError, one_sentence
from xcrystal.explorer.session.history import Entry, History
from xcrystal.explorer.session.records import Neighbour
from xcrystal.explorer.session.shown import Shown
from xcrystal.explorer.session.state import Point, State, changes

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explanation.attribution import Attribution
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import LatentModel

EVENTS = (
    "crystal",  # another point, or another base
    "shown",  # what is drawn of it, and how
    "color",
    "axes",
    "reach",  # more is known of how far the sliders of properties lead
    "selection",
    "own",
    "path",
    "candidates",
    "pins",
    "attribution",
    "explained",  # how far it can be trusted has been found out
    "settled",  # the hand rests
    "history",
    "story",
    "judged",  # the slower judgement of the crystal has arrived, or is gone
    "picked",  # an atom, by hand
    "front",  # a tab is to come to the front
    "progress",
    "message",
    "mode",
)
NEIGHBOURS = 6
_log = logging.getLogger(__name__)


class Core(Shown):
    """State, history and events of one explorer.

    Attributes
    ----------
    state
        What is shown; see ``xcrystal.explorer.session.state.State``. Its fields can be read from the session itself.
    attribution
        The last attribution, or None while there is none for what is shown.
    at_rest
        False while something is being dragged, until ``settle``.
    story, log
        What the last change did, in words; and of all changes, oldest first.
    progress
        While something long is done: its title, words, steps done, and steps in all.
    """

    def __init__(self, model: CrystalModel | LatentModel, atlas: Atlas) -> None:
        # whatever needs more of a model than it can give asks ``able`` first
        self.model, self.atlas = cast("CrystalModel", model.with_known(atlas)), atlas
        self.attribution: Attribution | None = None
        self.at_rest = True
        self.story = ""
        self.log: list[str] = []
        self.progress: tuple[str, str, int, int] | None = None
        self._stale = True  # the attribution is of something else
        self._said = self._uncolored = ""  # of the last act; why there is no attribution
        self._stopping = threading.Event()
        self._lock = threading.RLock()
        self._views: list[Callable[[str], None]] = []
        first = self._first_point()
        self.state = self._default = State(point=first, base=first, color=self._first_color())
        self._history = History(self.state)
        self._said = self._caution()

    # -- filled in by the acts

    def _first_point(self) -> Point:
        raise NotImplementedError

    def _first_color(self) -> str:
        raise NotImplementedError

    def _anchor_of(self, state: State) -> object:
        """What the explanation in a state depends on besides the crystal: the very same object as long as it holds."""
        return None

    def _judge(self) -> None:
        """Bring the judgement of the crystal up to date."""

    def _explain(self) -> None:
        """Bring the explanation of the crystal up to date."""

    # -- views ---------------------------------------------------------------------------------------------------

    def subscribe(self, view: Callable[[str], None]) -> Callable[[], None]:
        """Call ``view(event)`` after each change, with one of ``EVENTS``; returns what ends that."""
        self._views.append(view)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._views.remove(view)

        return unsubscribe

    def _emit(self, *events: str) -> None:
        for event in events:
            for view in tuple(self._views):
                try:
                    view(event)
                except Exception:  # noqa: BLE001  (one view that fails must not keep the change from the others)
                    _log.exception("A view of the explorer failed at %r.", event)

    # -- changes -------------------------------------------------------------------------------------------------

    def _commit(self, title: str, *, gesture: Hashable | None = None, settle: bool = True, **changed: object) -> None:
        """Change the state, remember it, and tell the views.

        Parameters
        ----------
        title
            What is done, in words.
        gesture
            Changes of one movement of a hand, which are one step for undo, have the same gesture.
        settle
            False while the hand moves: what is slow is then left for ``settle``.
        **changed
            Fields of the state.
        """
        before, after = self.state, replace(self.state, **changed)  # type: ignore[arg-type]
        if not changes(before, after):
            self._tell(self._caution())
            return
        same = gesture is not None and not self.at_rest and gesture == self._history.now.gesture
        compared = self._history.add(Entry(title, after, gesture), merge=same)
        self._arrive(before, after, title, compared, settle=settle, again=same)

    def _arrive(
        self, before: State, after: State, title: str, compared: State, *, settle: bool, again: bool = False
    ) -> None:
        """Show a state and tell what it did; views hear first of the crystal and then of what takes longer."""
        self.state = after
        events = changes(before, after)
        elsewhere = self._anchor_of(before) is not self._anchor_of(after)
        if elsewhere or {"crystal", "shown", "attribution"} & set(events):
            self.attribution, self._stale = None, True
        self.at_rest = settle
        self._emit(*events, "history")
        self._tell(self._caution())
        self._tell_story(compared, after, title, again=again)
        if settle:
            self.settle()

    def _tell_story(self, before: State, after: State, title: str, *, again: bool = False) -> None:
        from xcrystal.explorer.session.change_summary import describe

        self.story = describe(before, after, title)
        if again and self.log:
            self.log[-1] = self.story
        else:
            self.log.append(self.story)
        self._emit("story")

    def settle(self) -> None:
        """Do what waits for the hand to rest: look for a better candidate, attribution, judgement."""
        with self._lock:
            moved, self.at_rest = not self.at_rest, True
            refined = self._refine()
            if self._stale and self.state.why is not None:
                self._explain()
            elif moved and not refined:
                self._emit("settled")
            self._stale = False
            self._judge()

    def _refine(self) -> bool:
        """Decode again with all care what was decoded quickly; True if another crystal came out."""
        point = self.state.point
        if not point.quick:
            return False
        better = self._point(point.z, point.label, point.code, point.material_id)
        same = better.structure == point.structure
        better = replace(better, wanted=point.wanted, landed=point.landed if same else self._landing(better.structure))
        base = better if self.state.base is point else self.state.base
        self.state = replace(self.state, point=better, base=base)
        self._history.refine(self.state)
        if not same:
            self.attribution, self._stale = None, True
            self._emit("crystal", "history")
        return not same

    def search_nearer(self) -> bool:
        """Search with all effort for a crystal whose own code is nearer to the latent vector; it may take seconds.

        Another crystal than the one that is shown is one step of undo, and is said; one that looks the same is
        left alone.

        Returns
        -------
        bool
            Whether another crystal was found.
        """
        with self._lock:
            point = self.state.point
            self._searched.add(point)
        if not self._searches:
            return False
        structure = self._decode(point.z[None], "thorough")[0]  # the lock is free: the hand may go elsewhere
        with self._lock:
            if self.state.point is not point or looks_the_same(structure, point.structure):
                return False
            code = (*point.code, "session.search_nearer()")
            landed = None if point.landed is None else self._landing(structure)
            nearer = replace(point, structure=structure, code=code, landed=landed, quick=False)
            self._searched.add(nearer)
            base = nearer if self.state.base is point else self.state.base
            self._commit("searched for a nearer crystal", point=nearer, base=base)
            self.report("A search found a crystal that is nearer to the latent vector; undo brings back the first one.")
            return True

    def search_when_at_rest(self) -> bool:
        """``search_nearer``, once for each crystal that is decoded for its own sake; True if it searched."""
        state = self.state
        listed = (*state.candidates, *(state.path.frames if state.path is not None else ()))
        if not (self.at_rest and self._searches) or state.point in self._searched or state.point in listed:
            return False
        self.search_nearer()
        return True

    @property
    def _searches(self) -> bool:
        """Whether there is more to find: a model of somebody's own takes any effort, and decodes as it does."""
        return not self.model.lacks("runners_up")

    @cached_property
    def _searched(self) -> WeakSet[Point]:
        """Where the search has been, so that undo can lead back there."""
        return WeakSet()

    # -- undo ----------------------------------------------------------------------------------------------------

    @property
    def history(self) -> tuple[Entry, ...]:
        """What was done, oldest first; also what was undone."""
        return tuple(self._history.entries)

    @property
    def place_in_history(self) -> int:
        """Which entry of ``history`` is shown."""
        return self._history.place

    def undo(self) -> None:
        """Back to what was before the last act."""
        with self._lock:
            self.go_back(self._history.place - 1)

    def redo(self) -> None:
        """Forward to what was undone."""
        with self._lock:
            self.go_back(self._history.place + 1)

    def begin_here(self) -> None:
        """Forget what was done so far: undo and ``reset`` lead back to the present state."""
        with self._lock:
            self._history = History(self.state)
            self.story, self.log = "", []
            self._emit("history", "story")

    def go_back(self, place: int) -> None:
        """To any entry of the history; without effect if there is no such entry."""
        with self._lock:
            self.at_rest = True
            before, left, was = self.state, self._history.now, self._history.place
            earlier = place < was
            entry = self._history.go(place)
            if entry is None:
                return
            self._searched.add(entry.state.point)  # a search from here would be a new step, and end what can be redone
            if abs(place - was) == 1:
                title = f"Undone: {left.title}" if earlier else f"Again: {entry.title}"
            else:
                title = f"{'Back' if earlier else 'Forward'} to the {entry.state.point.label}"
            self._arrive(before, entry.state, title, before, settle=True)

    # -- messages and progress -----------------------------------------------------------------------------------

    @property
    def message(self) -> str:
        """One sentence to the user, or ""."""
        return self._uncolored or self._said

    def able(self, ability: str) -> bool:
        """Whether the model can do something; if it cannot, the reason is said."""
        reason = self.model.lacks(ability)
        if reason:
            self.report(reason)
        return not reason

    def report(self, message: str) -> None:
        """Say one sentence to the user."""
        with self._lock:
            self._said, self._uncolored = one_sentence(message), ""
            self._emit("message")

    def _tell(self, said: str, uncolored: str = "") -> None:
        before = self.message
        self._said, self._uncolored = said, one_sentence(uncolored)
        if self.message != before:
            self._emit("message")

    def _caution(self) -> str:
        """What is to be said as long as the loaded crystal, or its reconstruction, is shown."""
        loaded = self.state.loaded
        if loaded is not None and self.state.shown == "loaded":
            return loaded.reason or loaded.caution
        notice = str(self.state.point.structure.properties.get("notice", ""))  # of a model that did not decode it
        caution = loaded.caution if loaded is not None and self.state.point.z is loaded.z else ""
        return f"{caution} {notice}".strip()

    @contextmanager
    def _working(self, title: str, total: int) -> Iterator[Callable[..., bool]]:
        """Something long of ``total`` steps: call what it gives after each; it says whether to go on."""
        self._stopping.clear()
        done = 0

        def tick(words: str = "", steps: int = 1) -> bool:
            nonlocal done
            done += steps
            self.progress = (title, words, done, total)
            self._emit("progress")
            return not self._stopping.is_set()

        try:
            tick(steps=0)
            yield tick
        finally:
            self.progress = None
            self._emit("progress")

    def stop(self) -> None:
        """End what takes long, after its present step; may be called from any thread at any time."""
        self._stopping.set()

    # -- points --------------------------------------------------------------------------------------------------

    def _point(
        self, z: np.ndarray, label: str, code: Sequence[str], material_id: str | None = None, quick: bool = False
    ) -> Point:
        """All that is known at once of a latent vector (Z,)."""
        structure = self._decode(z[None], "fast" if quick else "normal")[0]
        point = self._known_of(z[None], [structure], [label], [code])[0]
        return replace(point, z=z, material_id=material_id, quick=quick)

    def _points(self, z: np.ndarray, labels: Sequence[str], codes: Sequence[Sequence[str]]) -> list[Point]:
        """The same for many latent vectors (n, Z), decoded together."""
        return self._known_of(z, self._decode(z), labels, codes)

    def _decode(self, z: np.ndarray, effort: str = "normal") -> list[Structure]:
        """Crystals of latent vectors (n, Z): "fast" while a hand moves, "normal" at rest, "thorough" after it."""
        return self.model.decode(z, effort)

    def _known_of(
        self, z: np.ndarray, structures: Sequence[Structure], labels: Sequence[str], codes: Sequence[Sequence[str]]
    ) -> list[Point]:
        predicted = self.model.predict(z)
        intervals, nonzero = self.model.known_intervals(z), self.model.known_nonzero(z)
        places = self.atlas.place(z)
        rows, distances = self.atlas.neighbours(z, NEIGHBOURS)
        ids, formulas = self.atlas.table["material_id"], self.atlas.table["formula"]
        return [
            Point(
                z=z[k],
                label=labels[k],
                code=tuple(codes[k]),
                structure=structures[k],
                predicted={name: float(values[k]) for name, values in predicted.items()},
                intervals={name: (float(v[k, 0]), float(v[k, 1])) for name, v in intervals.items()},
                nonzero={name: float(values[k]) for name, values in nonzero.items()},
                position=(float(places[k, 0]), float(places[k, 1])),
                neighbours=tuple(
                    Neighbour(int(row), str(ids.iat[row]), str(formulas.iat[row]), float(distance))
                    for row, distance in zip(rows[k], distances[k], strict=True)
                ),
            )
            for k in range(len(z))
        ]

    def _landing(self, structure: Structure) -> tuple[float, float] | None:
        """Where a decoded crystal itself lies on the map: the place of its own code."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnsupportedElementWarning)
                x, y = self.atlas.place(self.model.encode(structure))[0]
        except XCrystalError:
            return None
        return float(x), float(y)

    def _one_of(self, name: str, known: Sequence[str], what: str) -> None:
        """Raises TargetError if ``name`` is not known."""
        if name not in known:
            raise TargetError(f"There is no {what} {name!r}; there are: {', '.join(known)}.")
