"""Relax a crystal in a process of its own, so that whoever asks for it stays free, and can end it at any step.

The process is a fresh interpreter that is told one line of JSON, the crystal, and answers with a line for each step and
one for the result. It is not forked, as threads do not survive that, and does not run the caller's script again.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.energetics.relaxing import Relaxation, Step, plain, relax
from xcrystal.errors import RelaxationError

if TYPE_CHECKING:
    from pymatgen.core import Structure

_NICER = 5  # than the process that asks, whose answers somebody waits for
_ROOT = Path(__file__).parents[2]


class BackgroundRelaxation:
    """One crystal that is relaxed elsewhere, as ``relax`` does it.

    Parameters
    ----------
    structure
        An ordered crystal.
    options
        As of ``relax``: ``potential``, ``steps``, ``fmax``, ``cell``.
    """

    def __init__(self, structure: Structure, **options: Any) -> None:
        self._structure, self._options = structure, options
        self._process: subprocess.Popen[str] | None = None
        self._stopped, self._lock = False, threading.Lock()

    def run(self, on_step: Callable[[Step], None]) -> Relaxation | None:
        """Relax, and call ``on_step`` after each step; gives None if it was stopped.

        Raises
        ------
        RelaxationError
            If the process ends without an answer.
        """
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            with self._lock:
                if self._stopped:
                    return None
                self._process = _started(errors.fileno())
            with self._process as process:
                try:
                    found = self._read_answers(process, on_step)
                except BaseException:
                    process.kill()
                    raise
            if found is not None or self._stopped:
                return None if self._stopped else found
            errors.seek(0)
            lines = errors.read().strip().splitlines()
        reason = f": {lines[-1][:200]}" if lines else ""
        raise RelaxationError(f"The process that relaxes has ended (status {process.returncode}){reason}.")

    def stop(self) -> None:
        """End it at once; may be called from any thread at any time."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def _read_answers(self, process: subprocess.Popen[str], on_step: Callable[[Step], None]) -> Relaxation | None:
        """The result, once it is told; None if the process ends before."""
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"structure": plain(self._structure), "options": self._options}
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.close()
        for line in process.stdout:
            if not line.endswith("\n"):  # cut off by its end
                break
            told = json.loads(line)
            if "result" in told:
                return self._result(told["result"])
            on_step(Step(0, **told["step"]))
        return None

    def _result(self, told: dict[str, Any]) -> Relaxation:
        from pymatgen.core import Structure

        relaxed = None if told["structure"] is None else Structure(*told["structure"])
        curves = {name: np.array(told[name], dtype=float) for name in ("energies", "forces")}
        return Relaxation(start=self._structure, **{**told, **curves, "structure": relaxed})


def _started(errors: int) -> subprocess.Popen[str]:
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "xcrystal.energetics.background"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # who interrupts a notebook's cell does not mean this
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
    )


_TOLD = ("name", "converged", "space_group_before", "space_group", "rms", "error", "potential")


def _serve() -> None:
    """Relax the crystal of the line on standard input; tell steps and result on standard output."""
    from pymatgen.core import Structure

    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1) as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not stand among the answers
        if hasattr(os, "nice"):
            os.nice(_NICER)

        def tell(**what: Any) -> None:
            answers.write(json.dumps(what) + "\n")

        asked = json.loads(sys.stdin.readline())
        (found,) = relax(
            [Structure(*asked["structure"])],
            progress=False,
            on_step=lambda at: tell(step={"step": at.step, "energy": at.energy, "force": at.force}),
            **asked["options"],
        )
        tell(
            result={
                **{name: getattr(found, name) for name in _TOLD},
                "energies": found.energies.tolist(),
                "forces": found.forces.tolist(),
                "structure": None if found.structure is None else plain(found.structure),
            }
        )


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        _serve()
