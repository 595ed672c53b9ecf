"""An explorer whose cell runs again is closed: the new one takes its place, and nobody would free what it holds."""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakSet

from xcrystal.explorer.notebook.execution import running_cell


class _Closable(Protocol):
    def close(self) -> None: ...


_OPENED: dict[str, tuple[str, WeakSet[Any]]] = {}  # by cell: the request that ran it, and what it opened


def close_earlier(explorer: _Closable) -> None:
    """Close what earlier runs of this cell have opened; this one may open several. Where no cell is known, none is."""
    cell, request = running_cell()
    if not cell:
        return
    before, opened = _OPENED.get(cell, (request, WeakSet()))
    if before != request:
        for earlier in tuple(opened):
            earlier.close()
        opened = WeakSet()
    opened.add(explorer)
    _OPENED[cell] = request, opened
