"""Processes that share work end with the one that began them, also where it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xcrystal.crystal.processes import worker_processes

PARENT = """
import os
import sys
import time

from xcrystal.crystal.processes import worker_processes

def tell(name):
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    list(worker_processes(2).map(tell, range(2)))
"""


def test_a_pool_works() -> None:
    with worker_processes(1) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    # the workers have this pipe, too, which ends when the last of them has ended
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    assert parent.stdout is not None
    told = [int(parent.stdout.readline()) for _ in range(2)]
    assert len(set(told)) == 2
    parent.send_signal(signal.SIGKILL)
    assert parent.wait() == -signal.SIGKILL
    try:
        assert parent.communicate(timeout=60)[0] == ""
    except subprocess.TimeoutExpired:
        for worker in told:
            os.kill(worker, signal.SIGKILL)
        pytest.fail("Workers have outlived their parent.")
