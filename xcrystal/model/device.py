"""Where torch runs: the device, and on how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from xcrystal.errors import CheckpointError

FEW = 16  # crystals that one thread handles as fast as many


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Give torch so many threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread(active: bool = True) -> AbstractContextManager[None]:
    """Run torch on one thread: with a few crystals there is nothing to share, and on a busy machine sharing stalls."""
    return torch_threads(1) if active else nullcontext()


def pick_device(name: str = "auto") -> torch.device:
    """``auto`` is cuda, then mps, then cpu; any other name is taken as it is.

    Raises
    ------
    CheckpointError
        If the device does not exist here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(
            f"There is no device {name!r} here; there are auto, cpu, and on machines that have them cuda and mps."
        ) from error
