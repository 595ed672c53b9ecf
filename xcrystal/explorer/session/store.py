"""The state of a session, its history, its lock, and the views that hear of changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from xcrystal.errors import one_sentence
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import Command, Redo, Travel, Undo
from xcrystal.explorer.session.history import Entry, History
from xcrystal.explorer.session.state import State, changes

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
    "designs",
    "designing",  # a search for designs has begun, come further, or ended
    "pins",
    "diffraction",  # how patterns are shown, or another measured one
    "matches",  # crystals that may make the measured pattern were found
    "attribution",
    "explained",  # how far it can be trusted has been found out
    "settled",  # a drag has ended
    "history",
    "summary",  # of the last change
    "judged",  # the slower report of the crystal has arrived, or is gone
    "stability",  # more is known of how stable the crystal is, or it is being relaxed
    "picked",  # an atom, by hand
    "front",  # a tab is to come to the front
    "progress",
    "message",
    "mode",
)
_LONGEST = 300  # characters of a reason, so that there is room for what follows it
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far something long has come: the act, a few words, and steps done of all."""

    command: Command
    words: str
    done: int
    total: int

    def row(self) -> list[str | int]:
        """As panels draw it: title, words, steps done, steps in all."""
        return [self.command.doing, self.words, self.done, self.total]


@dataclass(frozen=True)
class Reactions:
    """What the parts of a session do when its state changes; wired by ``Session``.

    Attributes
    ----------
    replaced
        Hears of the states before and after, and the events, ahead of all views.
    summarize
        Says in one line what an act made of one state.
    settle
        Does what waits for the end of a drag.
    revisited
        Hears of a state that was reached through the history.
    """

    replaced: Callable[[State, State, list[str]], None]
    summarize: Callable[[State, State, Command], str]
    settle: Callable[[], None]
    revisited: Callable[[State], None]


class Store:
    """State, history and events of one session.

    Attributes
    ----------
    state
        What is shown; see ``xcrystal.explorer.session.state.State``.
    idle
        False during a drag, until ``settle``.
    summary, summaries
        What the last change did, in words; and all changes, oldest first.
    progress
        While something long is done: how far it has come.
    reactions
        What follows a change.
    """

    reactions: Reactions

    def __init__(self, first: State) -> None:
        self.state = first
        self.history = History(first)
        self.lock = threading.RLock()
        self.views: list[Callable[[str], None]] = []
        self.idle = True
        self.summary = ""
        self.summaries: list[str] = []
        self.progress: Progress | None = None
        self.unexplained = ""  # why there is no attribution
        self.said = caution(first)  # of the last act
        self._summarized: tuple[State, Command] | None = None  # the state before, and the act
        self._stopping = threading.Event()

    # -- views -------------------------------------------------------------------------------------------------------

    def subscribe(self, view: Callable[[str], None]) -> Callable[[], None]:
        """Call ``view(event)`` after each change, with one of ``EVENTS``; returns what ends that."""
        self.views.append(view)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self.views.remove(view)

        return unsubscribe

    def emit(self, *events: str) -> None:
        """Tell all views of events."""
        for event in events:
            for view in tuple(self.views):
                try:
                    view(event)
                except Exception:  # noqa: BLE001  (one view that fails must not keep the change from the others)
                    _log.exception("A view of the explorer failed at %r.", event)

    # -- changes -----------------------------------------------------------------------------------------------------

    def commit(
        self, command: Command, *, gesture: Hashable | None = None, settle: bool = True, **changed: object
    ) -> None:
        """Change the state, remember it, and tell the views.

        Parameters
        ----------
        command
            The act.
        gesture
            Changes of one drag, which are one step for undo, have the same gesture.
        settle
            False during a drag: what is slow is then left for ``settle``.
        **changed
            Fields of the state.
        """
        before, after = self.state, replace(self.state, **changed)  # type: ignore[arg-type]
        if not changes(before, after):
            self.tell(caution(before), self.unexplained)
            return
        same = gesture is not None and not self.idle and gesture == self.history.now.gesture
        compared = self.history.add(Entry(command, after, gesture), merge=same)
        self._arrive(before, after, command, compared, settle=settle, again=same)

    def _arrive(
        self, before: State, after: State, command: Command, compared: State, *, settle: bool, again: bool = False
    ) -> None:
        """Show a state and summarize the change; views hear first of the crystal and then of what takes longer."""
        self.state = after
        events = changes(before, after)
        self.reactions.replaced(before, after, events)
        self.idle = settle
        self.emit(*events, "history")
        self.tell(caution(after))
        self._summarize(compared, command, again=again)
        if settle:
            self.reactions.settle()

    def refine(self, state: State) -> None:
        """Put a better version of the same state in its place, also in the history."""
        self.state = state
        self.history.refine(state)

    def _summarize(self, before: State, command: Command, *, again: bool) -> None:
        self._summarized = before, command
        self.summary = self.reactions.summarize(before, self.state, command)
        if again and self.summaries:
            self.summaries[-1] = self.summary
        else:
            self.summaries.append(self.summary)
        self.emit("summary")

    def summarize_again(self) -> None:
        """Summarize the last change once more, after its crystal was refined."""
        if self._summarized is not None:
            self._summarize(*self._summarized, again=True)

    # -- undo --------------------------------------------------------------------------------------------------------

    def begin_here(self) -> None:
        """Forget what was done so far: undo and ``reset`` lead back to the present state."""
        with self.lock:
            self.history = History(self.state)
            self.summary, self.summaries = "", []
            self.emit("history", "summary")

    def go_back(self, place: int) -> None:
        """Go to any entry of the history; without effect if there is no such entry."""
        with self.lock:
            self.idle = True
            before, left, was = self.state, self.history.now, self.history.place
            earlier = place < was
            entry = self.history.go(place)
            if entry is None:
                return
            self.reactions.revisited(entry.state)
            command: Command = Travel(entry.state.point.label, earlier)
            if abs(place - was) == 1:
                command = Undo(left.command) if earlier else Redo(entry.command)
            self._arrive(before, entry.state, command, before, settle=True)

    # -- messages and progress ---------------------------------------------------------------------------------------

    @property
    def message(self) -> str:
        """One sentence to the user, or ""."""
        return self.unexplained or self.said

    def allow(self, reason: str) -> bool:
        """Whether there is no reason against something; if there is, it is said."""
        if reason:
            self.report(reason)
        return not reason

    def report(self, message: str) -> None:
        """Say one sentence to the user."""
        with self.lock:
            self.said, self.unexplained = one_sentence(message), ""
            self.emit("message")

    def refuse(self, reason: str) -> None:
        """Say in one sentence why something is not shown, and what is still shown instead."""
        state = self.state
        shown = state.point.structure if state.loaded_shown is None else state.loaded_shown.structure
        self.report(f"{reason.strip().rstrip('.')[:_LONGEST]}; {words.formula_of(shown)} is still shown.")

    def tell(self, said: str, unexplained: str = "") -> None:
        """Say a sentence, and why there is no explanation; views hear of it only if it is another one."""
        before = self.message
        self.said, self.unexplained = said, one_sentence(unexplained)
        if self.message != before:
            self.emit("message")

    @contextmanager
    def working(self, command: Command, total: int) -> Iterator[Callable[..., bool]]:
        """Something long of ``total`` steps: call what it gives after each; it says whether to go on."""
        self._stopping.clear()
        done = 0

        def tick(words: str = "", steps: int = 1) -> bool:
            nonlocal done
            done += steps
            self.progress = Progress(command, words, done, total)
            self.emit("progress")
            return not self._stopping.is_set()

        try:
            tick(steps=0)
            yield tick
        finally:
            self.progress = None
            self.emit("progress")

    @property
    def stopped(self) -> bool:
        """Whether what takes long has been asked to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End what takes long, after its present step; may be called from any thread at any time."""
        self._stopping.set()


def caution(state: State) -> str:
    """What is to be said as long as the loaded crystal, or its reconstruction, is shown."""
    loaded = state.loaded
    if state.loaded_shown is not None:
        reason, cautions = state.loaded_shown.reason, state.loaded_shown.caution
        stays = f"The map and the sliders stay at the {state.point.label}." if reason else ""
        return " ".join(part for part in (reason, cautions, stays) if part)
    notice = str(state.point.structure.properties.get("notice", ""))  # of a model that did not decode it
    said = loaded.caution if loaded is not None and state.point.z is loaded.z else ""
    return f"{said} {notice}".strip()
