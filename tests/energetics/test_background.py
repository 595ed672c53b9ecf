"""Relaxing in a process of its own: what it tells, that it can be ended, and that failures are sentences."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from xcrystal.energetics.background import BackgroundRelaxation
from xcrystal.energetics.relaxing import Step
from xcrystal.errors import RelaxationError

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="CHGNet has no wheels for this Python")


def rock_salt(a: float = 5.9) -> Structure:
    whole = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3])
    return whole.get_primitive_structure()


def test_steps_are_told_as_they_are_taken_and_the_result_at_the_end() -> None:
    told: list[Step] = []
    salt = rock_salt()
    found = BackgroundRelaxation(salt).run(told.append)
    assert found is not None
    assert found.structure is not None
    assert found.converged
    assert found.start is salt
    assert found.structure.volume < salt.volume
    np.testing.assert_allclose([step.energy for step in told], found.energies)
    np.testing.assert_allclose([step.force for step in told], found.forces)
    assert found.forces[-1] < 0.05 < found.forces[0]
    assert found.space_group == found.space_group_before == 225


def test_it_ends_at_once_when_it_is_stopped() -> None:
    running = BackgroundRelaxation(rock_salt(), fmax=1e-9)
    assert running.run(lambda step: running.stop()) is None
    assert running.run(print) is None  # also before it begins


def test_what_the_potential_cannot_do_is_a_sentence() -> None:
    lonely = Structure(Lattice.cubic(15.0), ["Xe"], [[0, 0, 0]])
    found = BackgroundRelaxation(lonely).run(print)
    assert found is not None
    assert found.structure is None
    assert "no neighbours" in found.error


def test_a_process_that_dies_is_a_sentence() -> None:
    with pytest.raises(RelaxationError, match="has ended"):
        BackgroundRelaxation(rock_salt(), no_such_option=1).run(print)


def test_who_interrupts_a_cell_does_not_end_it() -> None:
    own = os.getpgid(0)
    groups: list[int] = []
    process = BackgroundRelaxation(rock_salt(), steps=1)

    def look(_: object) -> None:
        assert process._process is not None
        groups.append(os.getpgid(process._process.pid))

    assert process.run(look) is not None
    assert groups and own not in groups
