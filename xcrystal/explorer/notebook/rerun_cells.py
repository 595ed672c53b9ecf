"""An explorer whose cell runs again is closed: the new one takes its place, and nobody would free what it holds."""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakSet


class _Closable(Protocol):
    def close(self) -> None: ...


_OPENED: dict[str, tuple[str, WeakSet[Any]]] = {}  # by cell: the request that ran it, and what it opened


def close_earlier(explorer: _Closable) -> None:
    """Close what earlier runs of this cell have opened; this one may open several.

    Only JupyterLab and Notebook say which cell runs; elsewhere nothing is closed.
    """
    cell, request = _running()
    if not cell:
        return
    before, opened = _OPENED.get(cell, (request, WeakSet()))
    if before != request:
        for earlier in tuple(opened):
            earlier.close()
        opened = WeakSet()
    opened.add(explorer)
    _OPENED[cell] = request, opened


def _running() -> tuple[str, str]:
    """Cell and request that run; empty outside a notebook."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent() if kernel is not None else None
    if not parent:
        return "", ""
    cell = parent.get("metadata", {}).get("cellId", "")
    return str(cell), str(parent.get("header", {}).get("msg_id", ""))
