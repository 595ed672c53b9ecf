"""Relaxing with CHGNet: real runs of small crystals, seconds each."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.energetics.potentials import calculator
from xcrystal.energetics.relaxing import KEPT, Relaxation, Step, relax
from xcrystal.errors import RelaxationError, TargetError

NO_WHEELS = sys.version_info >= (3, 13)
pytestmark = pytest.mark.skipif(NO_WHEELS, reason="CHGNet has no wheels for this Python")


def salt(a: float = 6.0) -> Structure:
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3]
    ).get_primitive_structure()


def wurtzite() -> Structure:
    crystal = CRYSTALS["wurtzite ZnO"].to_structure()
    return crystal.perturb(0.05, seed=1)


def same(one: Relaxation, other: Relaxation) -> bool:
    assert one.structure is not None
    assert other.structure is not None
    return (
        np.allclose(one.energies, other.energies, atol=1e-5)
        and np.allclose(one.structure.lattice.matrix, other.structure.lattice.matrix, atol=1e-5)
        and one.converged == other.converged
        and one.space_group == other.space_group
    )


def test_a_stretched_salt_goes_back() -> None:
    steps: list[Step] = []
    (found,) = xc.relax(salt(6.1), on_step=steps.append, progress=False)
    assert found.error == ""
    assert found.converged
    assert found.structure is not None
    assert found.structure.lattice.volume * 4 == pytest.approx(5.69**3, rel=0.03)  # PBE's cell
    assert found.volume_change < -0.1
    assert found.energies[-1] < found.energies[0] - 0.01
    assert found.forces[0] > 0.05 > found.forces[-1]
    assert len(steps) == len(found.energies) == len(found.forces) == found.steps + 1
    assert [step.energy for step in steps] == found.energies.tolist()
    assert (found.space_group_before, found.space_group) == (225, 225)
    assert found.matches_start
    # the table has mp-22862 at -2.11 eV/atom, on the hull
    assert found.formation_energy_per_atom == pytest.approx(-2.11, abs=0.08)
    assert abs(found.e_above_hull) < 0.05
    assert found.formation_energy_at(0) > found.formation_energy_per_atom


def test_one_that_fails_loses_no_other(tmp_path: Path) -> None:
    (tmp_path / "broken.cif").write_text("nothing")
    alone = Structure(Lattice.cubic(25.0), ["Na"], [[0, 0, 0]])
    broken, apart, good = relax([tmp_path / "broken.cif", alone, salt()], progress=False)
    assert "broken.cif" in broken.error
    assert broken.structure is None
    assert "no neighbours" in apart.error
    assert apart.structure is None
    assert np.isnan([apart.energy_per_atom, apart.formation_energy_per_atom, apart.e_above_hull]).all()
    assert good.error == ""
    assert good.converged


def test_results_are_kept_and_a_cut_line_is_made_again(tmp_path: Path) -> None:
    crystals = [salt(), wurtzite()]
    first = relax(crystals, folder=tmp_path, progress=False)
    content = (tmp_path / KEPT).read_bytes()
    assert content.count(b"\n") == 2
    (tmp_path / KEPT).write_bytes(content[:-40])
    steps: list[Step] = []
    second = relax(crystals, folder=tmp_path, progress=False, on_step=steps.append)
    assert {step.crystal for step in steps} == {1}
    assert all(same(one, other) for one, other in zip(first, second, strict=True))
    assert (tmp_path / KEPT).read_bytes().count(b"\n") == 2
    (tmp_path / KEPT).write_bytes(b"\xff" + content)
    steps.clear()
    relax(crystals, folder=tmp_path, progress=False, on_step=steps.append)
    assert {step.crystal for step in steps} == {0}
    steps.clear()
    relax(crystals, folder=tmp_path, progress=False, fmax=0.2, on_step=steps.append)
    assert {step.crystal for step in steps} == {0, 1}  # other settings, other results


def test_stopping_keeps_what_is_done(tmp_path: Path) -> None:
    seen: list[Step] = []
    crystals = [salt(), wurtzite()]
    found = relax(
        crystals,
        folder=tmp_path,
        progress=False,
        on_step=seen.append,
        should_stop=lambda: seen[-1].crystal == 1 and seen[-1].step == 1,
    )
    assert found[0].error == ""
    assert "stopped" in found[1].error
    assert (tmp_path / KEPT).read_bytes().count(b"\n") == 1
    later = relax(crystals, folder=tmp_path, progress=False)
    assert [result.error for result in later] == ["", ""]


def test_processes_give_the_same() -> None:
    crystals = [salt(), wurtzite()]
    alone = relax(crystals, progress=False)
    shared = relax(crystals, workers=2, progress=False)
    assert all(same(one, other) for one, other in zip(alone, shared, strict=True))


def test_positions_only() -> None:
    (found,) = relax(wurtzite(), cell=False, progress=False)
    assert found.volume_change == pytest.approx(0, abs=1e-9)
    assert found.steps > 0


def test_no_step_at_all_tells_the_energy_as_it_is() -> None:
    (found,) = relax(salt(6.1), steps=0, progress=False)
    assert found.steps == 0
    assert not found.converged
    assert found.volume_change == pytest.approx(0, abs=1e-9)
    assert repr(found) == f"Relaxation('0', NaCl, not relaxed in 0 steps, {found.energy_per_atom:.4f} eV/atom)"


def test_what_makes_no_sense_is_said() -> None:
    with pytest.raises(TargetError, match="no potential 'emt'"):
        relax(salt(), potential="emt")
    with pytest.raises(RelaxationError, match="at least one worker"):
        relax(salt(), fmax=0)
    with pytest.raises(RelaxationError, match="steps of 0 or more"):
        relax(salt(), steps="many")
    with pytest.raises(RelaxationError, match="workers=1"):
        relax(salt(), workers=2, on_step=print)


def test_a_potential_that_cannot_be_loaded_is_no_failure_of_a_crystal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(potential: str, device: str) -> None:
        loaded.append(potential)
        if len(loaded) > 1:  # not when it is asked for at first, but in the midst
            raise RuntimeError("out of memory")

    monkeypatch.setattr("xcrystal.energetics.relaxing.calculator", load)
    with pytest.raises(RuntimeError, match="out of memory"):
        relax(salt(), folder=tmp_path, progress=False)
    assert not any(file.stat().st_size for file in tmp_path.iterdir())


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chgnet", None)
    calculator.cache_clear()
    with pytest.raises(RelaxationError, match=r"pip install \"xcrystal\[relax\]\""):
        calculator("chgnet")
