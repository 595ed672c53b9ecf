"""Processes that share work, and end with the one that began them, however that ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def worker_processes(number: int, prepare: Callable[[], object] | None = None) -> ProcessPoolExecutor:
    """A pool of fresh processes.

    They are not forked: a forked child of a process whose torch threads run may hang. Those of a pool wait for work
    for ever, also where whoever gives it has been killed; these end then.

    Parameters
    ----------
    number
        How many.
    prepare
        Called first in each; a function of a module.
    """
    return ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_begin, initargs=(prepare,))


def _begin(prepare: Callable[[], object] | None) -> None:
    threading.Thread(target=_end_with_parent, name="xcrystal-parent", daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()  # waits for what the system closes when the parent ends
        os._exit(1)
