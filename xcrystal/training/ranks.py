"""Several processes that train one model: who takes what of a batch, and what they tell each other.

The gradients are averaged by torch's DistributedDataParallel, over gloo on CPUs and NCCL on GPUs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

from xcrystal.errors import DatasetError


@dataclass(frozen=True)
class Ranks:
    """One of ``count`` processes, the one with the number ``rank``."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the process that writes, scores and tells."""
        return self.rank == 0

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Its part of the rows (b,) of a batch; of fewer rows than processes, some are taken twice."""
        return np.resize(rows, max(len(rows), self.count))[self.rank :: self.count]

    def averaging(self, module: nn.Module) -> nn.Module:
        """The module with gradients that are the mean over all processes."""
        if self.count == 1:
            return module
        # which coordinates are free depends on the crystals: some parameters have no part in a batch
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True, broadcast_buffers=False)

    def device(self, device: torch.device) -> torch.device:
        """Where it trains: of GPUs, each process has one.

        Raises
        ------
        DatasetError
            If there are fewer GPUs than processes.
        """
        if self.count == 1 or device.type != "cuda":
            return device
        if torch.cuda.device_count() < self.count:
            raise DatasetError(
                f"There are {torch.cuda.device_count()} GPUs for {self.count} processes; each takes one."
            )
        return torch.device("cuda", self.rank)

    def of_first(self, value: float) -> float:
        """A number of the first process, in all."""
        if self.count == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64)
        distributed.broadcast(told, 0)
        return float(told)

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """The means over all processes of numbers by name."""
        if self.count == 1:
            return dict(values)
        told = torch.tensor(list(values.values()), dtype=torch.float64)
        distributed.all_reduce(told)
        return dict(zip(values, (told / self.count).tolist(), strict=True))


ALONE = Ranks()


def in_processes(count: int, work: Callable[..., Any], *given: Any) -> Any:
    """What the first of ``count`` processes returns of ``work(*given, ranks)``; all end if one does.

    Parameters
    ----------
    count
        How many, on this machine.
    work
        A function of a module, or a method of what can be sent to a process.

    Raises
    ------
    DatasetError
        If one of them fails.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1, max_nodes=1, nproc_per_node=count, rdzv_backend="c10d", rdzv_endpoint="127.0.0.1:0", max_restarts=0
    )
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what fails is said below
    try:
        return elastic_launch(config, _begin)(work, *given)[0]
    except SignalException:
        raise KeyboardInterrupt from None
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        said = failure.message if isinstance(failure.message, str) else failure.message.get("message", "")
        raise DatasetError(f"Process {failure.local_rank} of {count} has ended, and all with it: {said}") from error


def _begin(work: Callable[..., Any], *given: Any) -> Any:
    kind = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(kind, timeout=timedelta(days=7))  # the others wait while the first one scores
    made = work(*given, Ranks(distributed.get_rank(), distributed.get_world_size()))
    distributed.destroy_process_group()  # not if it fails: others would fail for that, and be named as the cause
    return made
