"""Processes that share work, and end with the one that began them, however that ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any


class _Pool(ProcessPoolExecutor):
    """Waits for nothing that is being worked on where its context is left by an error, such as Ctrl-C."""

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            self.shutdown()
            return
        processes = list((self._processes or {}).values())
        manager: Any = self._executor_manager_thread
        work = None if manager is None else manager.pending_work_items
        self.shutdown(wait=False, cancel_futures=True)
        # first the thread that hands out work has to forget what is cancelled (it replaces its list), or in some
        # releases of Python it fails over that, and the interpreter waits for it when it ends
        until = time.monotonic() + 1
        while manager is not None and manager.pending_work_items is work and time.monotonic() < until:
            time.sleep(0.01)
        for process in processes:
            process.terminate()


def worker_processes(number: int, prepare: Callable[[], object] | None = None) -> ProcessPoolExecutor:
    """A pool of fresh processes.

    They are not forked: a forked child of a process whose torch threads run may hang. Those of a pool wait for work
    for ever, also where whoever gives it has been killed; these end then. Ctrl-C is for whoever began them alone.

    Parameters
    ----------
    number
        How many.
    prepare
        Called first in each; a function of a module.
    """
    return _Pool(number, mp_context=get_context("spawn"), initializer=_begin, initargs=(prepare,))


def _begin(prepare: Callable[[], object] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="xcrystal-parent", daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()  # waits for what the system closes when the parent ends
        os._exit(1)
