"""Run a task over the partitions of a data set: in this process, in processes of this machine, or on a Dask scheduler.

Workers write what they make, and the scheduler only hears how many crystals it was. A partition is done once its file
is there, so the same call goes on wherever it was stopped, and whoever was killed.
"""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast
from uuid import uuid4

from xcrystal.crystal.collections.sources.parts import FIRST
from xcrystal.errors import DatasetError, XCrystalError, check_whole_number, one_sentence
from xcrystal.reporting import Report, aligned
from xcrystal.scale.partitions import Partition, partitions_of, read_partition
from xcrystal.scale.run_folder import SKIPPED, RunFolder
from xcrystal.scale.tasks import Task, left_out, shaped

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client

MISSING = 'Work on several processes needs Dask: pip install "xcrystal[scale]".'
_WAIT = 30  # s for the first worker of a scheduler
_one_at_a_time = threading.Lock()  # a worker may have several threads, and a partition is what its memory is for


@dataclass(frozen=True)
class Outcome:
    """What became of a partition: how many crystals were done and skipped, or in one sentence why it failed."""

    name: str
    done: int = 0
    skipped: int = 0
    problem: str = ""


@dataclass(frozen=True)
class RunReport(Report):
    """What a run has done.

    Attributes
    ----------
    folder
        Where it is.
    partitions, earlier
        How many there are, and how many of these an earlier call has done.
    crystals, skipped
        How many are in the parts and in ``skipped.parquet``, over all calls.
    failed
        Why, by partition, those failed that the same call would try again.
    seconds, crystals_per_second
        Of this call, from the first partition to the last.
    figures
        What the task tells of all crystals together.
    left_out
        Numbers that came with crystals and are in no part, as none of the first crystals of a file has them: of how
        many crystals, by name.
    """

    folder: str
    partitions: int
    earlier: int
    crystals: int
    skipped: int
    failed: dict[str, str]
    seconds: float
    crystals_per_second: float
    figures: dict[str, float]
    left_out: dict[str, int]

    def table(self) -> str:
        """The figures as lines of text."""
        rows = [
            ("crystals", f"{self.crystals}"),
            ("skipped", f"{self.skipped} ({SKIPPED} tells why)" if self.skipped else "0"),
            ("partitions", f"{self.partitions}" + (f", {self.earlier} done earlier" if self.earlier else "")),
            ("time", f"{self.seconds:.1f} s, {self.crystals_per_second:.1f} crystals/s"),
        ]
        rows += [(name.replace("_", " "), f"{value:.4g}") for name, value in self.figures.items()]
        advice = f"to keep it, put one that has it among the first {FIRST} of its file, and begin a new run"
        rows += [(f"left out: {name}", f"of {count} crystals; {advice}") for name, count in self.left_out.items()]
        rows += [(f"failed: partition {name}", reason) for name, reason in self.failed.items()]
        return aligned(rows)


def run_partitions(
    task: Task,
    source: str | Path,
    out: str | Path,
    *,
    size: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> RunReport:
    """Do a task with all crystals of a data set, partition by partition.

    The files are the same, byte by byte, here and on workers of the same kind. What cannot be done is in
    ``skipped.parquet``, with reasons.

    Parameters
    ----------
    task
        One of ``xcrystal.scale.tasks``.
    source
        A folder of parquet files or of crystal files, or one file: see ``xcrystal.scale.partitions``.
    out
        The folder of the run. One in which the same run was begun is gone on with.
    size
        The most crystals of a partition, by default what is usual for the task. A worker's memory is for so many.
    workers
        Processes of this machine, which start as fresh ones, so that a script needs a main guard. By default there are
        none but this one.
    scheduler
        The address of a Dask scheduler instead, "tcp://..."; its workers have this version of xcrystal, and see the
        same files under the same paths.
    progress
        Whether a bar shows how far it is.

    Returns
    -------
    RunReport
        Also of what earlier calls have done.

    Raises
    ------
    DatasetError
        If there is no data, the folder holds another run or is being worked on, or Dask or its scheduler is missing.
    XCrystalError
        If the task cannot be done at all, for want of its model, say.
    """
    import xcrystal

    if workers is not None and scheduler is not None:
        raise DatasetError("Give workers, or the address of a scheduler that has its own, not both.")
    if workers is not None:
        check_whole_number(workers, "The number of workers")
    size, folder = task.usual_size if size is None else size, RunFolder(Path(out).resolve())
    if folder.path.is_relative_to(Path(source).resolve()):
        raise DatasetError(f"The run in {out} would be a part of its own data; give a folder outside of {source}.")
    told = task.manifest()
    data = partitions_of(Path(source), size)
    inputs = {"files": data.files, "bytes": data.bytes, "digest": data.digest}
    run = {
        "xcrystal": xcrystal.__version__,
        **told,
        "partition_size": size,
        "partitions": len(data.partitions),
        "data": data.name,
        "inputs": inputs,
    }
    with folder.alone(), ExitStack() as stack:
        folder.begin(run)
        todo = [partition for partition in data.partitions if not folder.is_done(partition)]
        started, done = time.perf_counter(), 0
        failed: dict[str, str] = {}
        if todo:
            work = _Work(task, folder, task.schema(data.properties), told["weights"], xcrystal.__version__)
            outcomes = _here(work, todo)
            if workers is not None or scheduler is not None:
                outcomes = _on_dask(stack.enter_context(_client(workers, scheduler)), work, todo)
            started = time.perf_counter()
            for outcome in _shown(outcomes, task, data.partitions, todo, progress):
                done += outcome.done + outcome.skipped
                if outcome.problem:
                    failed[outcome.name] = outcome.problem
        seconds = time.perf_counter() - started
        by_name = {partition.name: partition for partition in data.partitions}
        ordered = {name: failed[name] for name in sorted(failed)}
        skipped = folder.merge_skipped([(by_name[name], reason) for name, reason in ordered.items()])
        crystals = sum(folder.counts(one)[0] for one in data.partitions if folder.is_done(one))
        figures, lost = task.figures(folder.parts(), skipped), Counter[str]()
        for part in folder.parts():
            lost.update(left_out(part))
    shown = {f"{name} ({by_name[name]})": reason for name, reason in ordered.items()}
    earlier, rate = len(by_name) - len(todo), done / seconds if done else 0.0
    return RunReport(str(out), len(by_name), earlier, crystals, skipped, shown, seconds, rate, figures, dict(lost))


@dataclass(frozen=True)
class _Work:
    """What is done with each partition, and what is sent to workers: it writes, and gives back only counts."""

    task: Task
    folder: RunFolder
    schema: pa.Schema  # of all parts
    digest: str  # of the weights, as whoever began the run has them
    version: str  # of xcrystal

    def __call__(self, partition: Partition) -> Outcome:
        with _one_at_a_time, _quiet():
            if not self.folder.is_done(partition):  # by a worker of an earlier call that was still at it
                try:
                    self._do(partition)
                except Exception as error:  # noqa: BLE001  (what one partition makes fail shall not end the others)
                    said = str(error) if isinstance(error, XCrystalError) else f"{type(error).__name__}: {error}"
                    return Outcome(partition.name, problem=one_sentence(said))
            return Outcome(partition.name, *self.folder.counts(partition))

    def _do(self, partition: Partition) -> None:
        import pandas as pd

        import xcrystal
        from xcrystal.model.device import one_thread

        if xcrystal.__version__ != self.version:
            raise DatasetError(f"This worker has xcrystal {xcrystal.__version__}, not {self.version}.")
        if not self.folder.path.is_dir():
            raise DatasetError(f"This worker does not see the folder {self.folder.path}.")
        if self.task.digest != self.digest:
            raise DatasetError(f"This worker has other weights: {self.task.digest}, not {self.digest}.")
        dataset = read_partition(partition)
        with one_thread():
            table, failed = self.task.run(dataset)
        rows = sorted(failed)
        more = dataset.table.iloc[rows][["material_id", "source"]].set_axis(["name", "source"], axis=1)
        more["reason"] = [failed[row] for row in rows]
        self.folder.write(partition, shaped(table, self.schema), pd.concat([dataset.skipped, more], ignore_index=True))


def _here(work: _Work, todo: Sequence[Partition]) -> Iterator[Outcome]:
    return map(work, todo)


def _shown(
    outcomes: Iterator[Outcome], task: Task, every: Sequence[Partition], todo: Sequence[Partition], progress: bool
) -> Iterator[Outcome]:
    """The outcomes, as they come, under a bar."""
    from tqdm.auto import tqdm

    expected = {partition.name: partition.crystals for partition in every}
    total, left = sum(expected.values()), sum(partition.crystals for partition in todo)
    hidden = None if progress else True
    with tqdm(total=total, initial=total - left, desc=task.title, unit="crystal", disable=hidden) as bar:
        for outcome in outcomes:
            if outcome.problem:
                bar.write(f"partition {outcome.name}: {outcome.problem}", file=sys.stderr)
            bar.update(expected[outcome.name])
            yield outcome


class _NoTerminal:
    """Standard error on which no bar draws itself."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither bars of a partition nor warnings, of which there would be one for each crystal of rare elements."""
    with redirect_stderr(cast(TextIO, _NoTerminal(sys.stderr))), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Client]:
    """A client of the scheduler, or of as many processes here, which end with the context."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise DatasetError(MISSING) from None
    if scheduler is not None and scheduler.partition("://")[0] not in ("tcp", "tls", "ws", "wss"):
        raise DatasetError(f"{scheduler!r} is no address of a Dask scheduler; one is tcp://127.0.0.1:8786.")
    with ExitStack() as stack:
        where: Any = scheduler
        if workers is not None:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                security=True,  # or others on this machine could send work to these processes
                silence_logs=50,
            )
            where = stack.enter_context(cluster)
        try:
            client = stack.enter_context(Client(where, timeout=_WAIT, set_as_default=False))
            client.wait_for_workers(1, timeout=_WAIT)
        except (OSError, TimeoutError, ValueError) as error:
            at = "" if scheduler is None else f" at {scheduler}"
            raise DatasetError(f"There is no Dask scheduler with workers{at}: {error}") from error
        yield client


def _on_dask(client: Client, work: _Work, todo: Sequence[Partition]) -> Iterator[Outcome]:
    """Outcomes as they come, of a few partitions for each worker at a time.

    Who is killed takes along what the same worker was to do next. So partitions that were with workers that died, more
    often than the scheduler allows, are tried again one by one in the end: then it is the partition's own fault.
    """
    from distributed import CancelledError
    from distributed.comm import CommClosedError

    suspects = list[Partition]()
    try:
        yield from _submitted(client, work, todo, suspects.append, most=None)
        for partition in suspects:
            lost = list[Partition]()
            yield from _submitted(client, work, [partition], lost.append, most=1)
            if lost:
                yield Outcome(partition.name, problem="Its worker died again and again, for want of memory perhaps.")
    except (CommClosedError, CancelledError) as error:
        raise DatasetError("The scheduler has gone; what is done stays, and the same call goes on with it.") from error


def _submitted(
    client: Client, work: _Work, todo: Sequence[Partition], lose: Callable[[Partition], None], most: int | None
) -> Iterator[Outcome]:
    from distributed import CancelledError, KilledWorker, as_completed

    waiting, run, sent = iter(todo), uuid4().hex[:8], dict[str, Partition]()

    def more(count: int) -> list[Any]:
        futures = []
        for partition in islice(waiting, count):
            key = f"xcrystal-{run}-{partition.name}"
            sent[key] = partition
            futures.append(client.submit(work, partition, key=key, pure=False))
        return futures

    def room() -> int:
        return most or max(2, 2 * sum(client.nthreads().values()))

    running = as_completed(more(room()), loop=client.loop, raise_errors=False)
    for future in running:
        if client.status != "running" or future.status in ("cancelled", "lost"):
            raise CancelledError(future.key)
        partition = sent.pop(future.key)
        error = future.exception() if future.status == "error" else None
        if future.status == "finished":
            yield future.result()
        elif isinstance(error, KilledWorker):
            lose(partition)
        else:
            yield Outcome(partition.name, problem=one_sentence(f"{type(error).__name__}: {error}"))
        future.release()
        running.update(more(max(0, room() - len(sent))))  # of workers there may be fewer than before
