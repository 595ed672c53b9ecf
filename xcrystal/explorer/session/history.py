"""Undo and redo: the states that were, in order, and which of them is now."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from xcrystal.explorer.session.commands import Begin, Command
from xcrystal.explorer.session.state import State

KEPT = 300  # entries; the oldest are forgotten


@dataclass(frozen=True, eq=False)
class Entry:
    """A state, the act that led to it, and the drag that it belongs to, if any."""

    command: Command
    state: State
    gesture: Hashable | None = None

    @property
    def title(self) -> str:
        """What was done, in words."""
        return self.command.title


class History:
    """A line of entries; what was undone is forgotten when something new is done."""

    def __init__(self, first: State) -> None:
        self.entries = [Entry(Begin(), first)]
        self.first = first
        self.place = 0

    @property
    def now(self) -> Entry:
        """The entry that is shown."""
        return self.entries[self.place]

    def add(self, entry: Entry, *, merge: bool = False) -> State:
        """Append an entry, or let it replace the last one; returns the state that it is to be compared with."""
        del self.entries[self.place + 1 :]
        if merge and self.place > 0:
            self.entries[self.place] = entry
        else:
            self.entries.append(entry)
            del self.entries[: max(0, len(self.entries) - KEPT)]
        self.place = len(self.entries) - 1
        return self.entries[self.place - 1].state if self.place else entry.state

    def refine(self, state: State) -> None:
        """Put a better version of the same state in its place."""
        self.entries[self.place] = replace(self.now, state=state)

    def go(self, place: int) -> Entry | None:
        """Make another entry the present one; None if there is no such entry, or it is the present one."""
        if not 0 <= place < len(self.entries) or place == self.place:
            return None
        self.place = place
        return self.now
