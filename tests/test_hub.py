"""The hub for a class, as ``docs/teaching/jupyterhub_config.py`` sets it up: several students at the same time."""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the hub of a class is for Linux", allow_module_level=True)

import xcrystal as xc
from tests.measure_hub import ANSWER, attend, hub, values

USERS = 8


def test_students_at_the_same_time_get_each_their_own_answers() -> None:
    with hub() as (pid, address, log):
        with pytest.raises(HTTPError, match="403"):
            urlopen(f"{address}/hub/api/users", timeout=30)
        students, found = asyncio.run(attend(address, pid, USERS, work=False))
        assert "one of its own is started" not in log.read_text()
    explorer = xc.explore()
    session = explorer.session
    for number, student in enumerate(students):
        session.move(1, values(number)[-1])
        assert student.answer == pytest.approx(eval(ANSWER, {"session": session}), abs=2e-3)  # noqa: S307  (ours)
    explorer.close()
    assert len({json.dumps(student.answer) for student in students}) == USERS
    assert len({student.kernel for student in students}) == USERS
    assert found["dragged"]["kernel_uss"] < 200, "kernels share less than they could"
