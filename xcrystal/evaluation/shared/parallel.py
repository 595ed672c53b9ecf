"""Work on many crystals, over a few processes, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TypeVar

from xcrystal.crystal.processes import worker_processes

Item = TypeVar("Item")
Result = TypeVar("Result")
_CHUNK = 16
_FEW = 8  # not worth the seconds in which other processes import what they need


class Workers:
    """Processes that share work, or none: then everything stays in this one."""

    def __init__(self, pool: Executor | None = None) -> None:
        self._pool = pool

    def map(self, work: Callable[[Item], Result], items: Sequence[Item], doing: str) -> list[Result]:
        """The results of ``work``, a function of a module, in the order of ``items``; ``doing`` names the bar."""
        from tqdm.auto import tqdm

        if self._pool is None or len(items) <= _FEW:
            done: Iterator[Result] = map(work, items)
        else:
            chunk = max(1, min(_CHUNK, len(items) // 20))
            done = self._pool.map(work, items, chunksize=chunk)
        return list(tqdm(done, total=len(items), desc=doing, leave=False, disable=None))

    def each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """As ``map``, for few long pieces of work: one by one as they are done, in the order of ``items``."""
        return map(work, items) if self._pool is None else self._pool.map(work, items)


@contextmanager
def workers_of(number: int) -> Iterator[Workers]:
    """``number`` processes, open as long as the context is; with 1 there are none but this one."""
    if number <= 1:
        yield Workers()
        return
    with worker_processes(number) as pool:
        yield Workers(pool)
