"""Little is needed for little: what a file announces, or was changed to, costs neither memory nor time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.crystal.announcements import FILES, content_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as on Linux")


@pytest.mark.parametrize("case", FILES)
def test_what_a_file_announces_is_refused_before_it_is_made(case: str) -> None:
    from tests.crystal.guarded import outcome_of

    outcome_of("a.extxyz", b"1\n\nC 0 0 0\n", 60)  # what reads is loaded
    name, content = content_of(case)
    found = outcome_of(name, content, 30)
    assert found.error
    assert found.megabytes < 250 + len(content) / 100_000
    assert len(found.message) <= 400 and "\n" not in found.message


def test_changed_files_are_read_or_refused_in_one_sentence() -> None:
    command = [sys.executable, "-m", "tests.crystal.fuzzing", "--minutes", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
