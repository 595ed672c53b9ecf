"""Relax crystals with an interatomic potential: positions and cell, one crystal after another.

On one core of a CPU a batch of crystals takes the potential as long as its crystals one by one (``python -m
tests.measure_relaxation``), so each has an optimizer of its own, ASE's FIRE, and stops when it is done.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.processes import worker_processes
from xcrystal.crystal.reading import as_list, read_structure
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.energetics.formation import formation_energy
from xcrystal.energetics.hull import MOST_ELEMENTS, energy_above_hull
from xcrystal.energetics.potentials import calculator, failing_as_errors, quiet
from xcrystal.errors import RelaxationError, XCrystalError

if TYPE_CHECKING:
    from pymatgen.core import Structure

STEPS = 500
FMAX = 0.05  # eV/Å
KEPT = "relaxed.jsonl"
_MOST_GROWTH = 5.0  # of the volume, or as much less: the crystal has evaporated or collapsed


@dataclass(frozen=True)
class Step:
    """One step of a relaxation: which crystal of the list, which step, and what the potential says there.

    Attributes
    ----------
    crystal, step
        Places from 0; step 0 is the crystal as it was given.
    energy
        Total energy, eV/atom.
    force
        The largest force on an atom or on the cell, eV/Å.
    """

    crystal: int
    step: int
    energy: float
    force: float


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A crystal before and after it was relaxed.

    Attributes
    ----------
    name
        The file that it came from, or its place in the list.
    start
        As it was given; None if it could not be read.
    structure
        Relaxed, as far as it came; None if it could not be relaxed.
    converged
        Whether the largest force fell below ``fmax``.
    energies, forces
        (steps + 1,) total energy, eV/atom, and largest force, eV/Å, at the start and after each step.
    space_group_before, space_group
        That spglib finds at symprec 0.1 Å; 0 if it finds none.
    rms
        How far atoms have moved, in units of (V / N)^(1/3), if StructureMatcher still finds start and end alike.
    error
        Why it could not be relaxed, in one sentence; empty if it could.
    potential
        The name of the potential.
    """

    name: str
    start: Structure | None
    structure: Structure | None
    converged: bool
    energies: np.ndarray
    forces: np.ndarray
    space_group_before: int
    space_group: int
    rms: float | None
    error: str
    potential: str

    def __repr__(self) -> str:
        if self.structure is None:
            return f"Relaxation({self.name!r}, failed: {self.error})"
        formula, end = self.structure.composition.reduced_formula, "relaxed" if self.converged else "not relaxed"
        return f"Relaxation({self.name!r}, {formula}, {end} in {self.steps} steps, {self.energy_per_atom:.4f} eV/atom)"

    @property
    def steps(self) -> int:
        """How many were taken."""
        return max(0, len(self.energies) - 1)

    @property
    def matches_start(self) -> bool:
        """Whether StructureMatcher (stol 0.5, ltol 0.3, angle_tol 10) finds the relaxed crystal like the start."""
        return self.rms is not None

    @property
    def energy_per_atom(self) -> float:
        """Total energy of the relaxed crystal, eV/atom; NaN if it could not be relaxed."""
        return float(self.energies[-1]) if self.structure is not None else math.nan

    @property
    def volume_change(self) -> float:
        """Of the cell, relative to the start; NaN if it could not be relaxed."""
        if self.structure is None or self.start is None:
            return math.nan
        return float(self.structure.volume / self.start.volume - 1)

    @cached_property
    def formation_energy_per_atom(self) -> float:
        """Of the relaxed crystal, eV/atom, on the scale of the atlas; NaN where it is not known."""
        return math.nan if self.structure is None else self.formation_energy_at(-1)

    def formation_energy_at(self, step: int) -> float:
        """Formation energy after a step, eV/atom; step 0 is the crystal as it was given."""
        if self.start is None or not len(self.energies):
            return math.nan
        return formation_energy(self.start.composition, float(self.energies[step]), self.potential)

    @cached_property
    def e_above_hull(self) -> float:
        """Of the relaxed crystal, eV/atom, negative below the hull of the known crystals; NaN where it is not known."""
        if self.structure is None or math.isnan(self.formation_energy_per_atom):
            return math.nan
        if len(self.structure.composition) > MOST_ELEMENTS:
            return math.nan
        return energy_above_hull(self.structure.composition, self.formation_energy_per_atom)

    def to_dict(self) -> dict[str, Any]:
        """What is known of it as plain values, curves and structures included."""
        return {
            "name": self.name,
            "formula": self.start.composition.reduced_formula if self.start is not None else None,
            "potential": self.potential,
            "converged": self.converged,
            "steps": self.steps,
            "energy_per_atom": self.energy_per_atom,
            "formation_energy_per_atom": self.formation_energy_per_atom,
            "e_above_hull": self.e_above_hull,
            "space_group_before": self.space_group_before,
            "space_group": self.space_group,
            "matches_start": self.matches_start,
            "rms": self.rms,
            "volume_change": self.volume_change,
            "energies": self.energies,
            "forces": self.forces,
            "structure": self.structure.as_dict() if self.structure is not None else None,
            "error": self.error,
        }


def relax(
    structures: Any,
    *,
    potential: str = "chgnet",
    steps: int = STEPS,
    fmax: float = FMAX,
    cell: bool = True,
    folder: str | Path | None = None,
    workers: int = 1,
    device: str = "cpu",
    progress: bool = True,
    on_step: Callable[[Step], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Relaxation]:
    """Relax crystals with an interatomic potential.

    Nothing is random: the same crystal gives the same result. What a crystal's symmetry forbids, no force can do, so
    a relaxed crystal may sit on a saddle point of the energy.

    Parameters
    ----------
    structures
        pymatgen Structures or paths of crystal files, or one of them.
    potential
        "chgnet" or "sevennet".
    steps
        The most steps for a crystal.
    fmax
        The force below which a crystal is relaxed, eV/Å.
    cell
        Whether the cell is relaxed, too.
    folder
        Where results are kept, a line of JSON each, as they are done; the same call goes on where it was stopped.
    workers
        Processes that share the crystals.
    device
        Where the potential runs: cpu, cuda, mps.
    progress
        Whether a bar shows how far it is.
    on_step
        Called after each step of a crystal, with one worker only.
    should_stop
        Asked after each step (with more workers, after each crystal); once it is true, what is not done is left.

    Returns
    -------
    list of Relaxation
        One for each crystal, in their order; one that fails, or that was not reached, says so in its ``error``.

    Raises
    ------
    RelaxationError
        If the potential is not installed, or a number makes no sense.
    TargetError
        If there is no such potential.
    """
    whole = isinstance(steps, Integral) and isinstance(workers, Integral) and isinstance(fmax, Real)
    if not whole or steps < 0 or not fmax > 0 or workers < 1:
        raise RelaxationError("Relaxing takes steps of 0 or more, a force above 0 and at least one worker.")
    if on_step is not None and workers > 1:
        raise RelaxationError("The steps of crystals are told with workers=1 only.")
    calculator(potential, device)  # what is missing shall be said before anything is read
    task = _Task(potential, steps, fmax, cell, device)
    crystals = [_read(source, place) for place, source in enumerate(as_list(structures))]
    starts = [crystal for crystal in crystals if isinstance(crystal, _Start)]
    kept = _Kept(folder)
    done = {start.place: found for start in starts if (found := kept.find(start, task)) is not None}
    todo = [start for start in starts if start.place not in done]
    for start, result in _results(todo, task, workers, progress, on_step, should_stop):
        done[start.place] = result
        kept.add(start, task, result)
    stopped = "It was not reached: relaxing was stopped."
    return [
        crystal if isinstance(crystal, Relaxation) else done.get(crystal.place) or _failed(crystal, stopped)
        for crystal in crystals
    ]


@dataclass(frozen=True, eq=False)
class _Start:
    """A crystal that was read, and its place in the list."""

    place: int
    name: str
    structure: Structure


@dataclass(frozen=True)
class _Task:
    """How crystals are relaxed."""

    potential: str
    steps: int
    fmax: float
    cell: bool
    device: str

    def key(self, structure: Structure) -> str:
        """What tells this crystal, relaxed like this, from others."""
        text = json.dumps([self.potential, self.steps, self.fmax, self.cell, *plain(structure)])
        return hashlib.sha256(text.encode()).hexdigest()[:24]


class _Stopped(Exception):
    """Relaxing was asked to stop in the middle of a crystal."""


def _read(source: Any, place: int) -> _Start | Relaxation:
    name = str(source) if isinstance(source, (str, os.PathLike)) else str(place)
    try:
        return _Start(place, name, read_structure(source))
    except XCrystalError as error:
        return Relaxation(name, None, None, False, np.zeros(0), np.zeros(0), 0, 0, None, str(error), "")


def _results(
    starts: Sequence[_Start],
    task: _Task,
    workers: int,
    progress: bool,
    on_step: Callable[[Step], None] | None,
    should_stop: Callable[[], bool] | None,
) -> Iterator[tuple[_Start, Relaxation]]:
    """Crystals and results, as they are done."""
    from tqdm.auto import tqdm

    stopping = should_stop or (lambda: False)
    bar = tqdm(total=len(starts), desc="relaxing", unit="crystal", leave=False, disable=None if progress else True)
    with bar:
        if workers == 1 or len(starts) < 2:
            for start in starts:
                try:
                    yield start, _relaxed(start, task, on_step, stopping)
                except _Stopped:
                    return
                bar.update()
            return
        with worker_processes(workers, prepare=_one_thread) as pool:
            found = pool.map(partial(_relaxed, task=task), starts)
            for start, result in zip(starts, found, strict=True):
                yield start, result
                bar.update()
                if stopping():
                    pool.shutdown(cancel_futures=True)
                    return


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _relaxed(
    start: _Start,
    task: _Task,
    on_step: Callable[[Step], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Relaxation:
    """One crystal, relaxed."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(start.structure, msonable=False)
    moved = FrechetCellFilter(atoms) if task.cell else atoms
    volume, energies, forces, converged = atoms.get_volume(), [], [], False
    with quiet():
        atoms.calc = calculator(task.potential, task.device)  # that it cannot be loaded is no failure of the crystal
    try:
        with quiet(), failing_as_errors():
            for converged in FIRE(moved, logfile=None).irun(fmax=task.fmax, steps=task.steps):  # noqa: B007
                energies.append(float(atoms.get_potential_energy()) / len(atoms))
                forces.append(float(np.sqrt((moved.get_forces() ** 2).sum(axis=1)).max()))
                if not (math.isfinite(energies[-1]) and math.isfinite(forces[-1])):
                    raise RelaxationError("The potential gives no finite energy or force for this crystal.")
                if not 1 / _MOST_GROWTH < atoms.get_volume() / volume < _MOST_GROWTH:
                    raise RelaxationError("The crystal falls apart: its volume has become another one altogether.")
                if on_step is not None:
                    on_step(Step(start.place, len(energies) - 1, energies[-1], forces[-1]))
                if stopping():
                    raise _Stopped
            relaxed = AseAtomsAdaptor.get_structure(atoms)
    except RelaxationError as error:
        return _failed(start, str(error), task.potential, energies, forces)
    return _result(start, relaxed, bool(converged), energies, forces, task.potential)


def _result(
    start: _Start,
    relaxed: Structure,
    converged: bool,
    energies: Sequence[float],
    forces: Sequence[float],
    potential: str,
) -> Relaxation:
    bare = relaxed.copy(site_properties={}) if relaxed.site_properties else relaxed
    bare.properties = {}
    with quiet():
        rms = match_rms(start.structure, bare)
    return Relaxation(
        name=start.name,
        start=start.structure,
        structure=bare,
        converged=converged,
        energies=np.array(energies),
        forces=np.array(forces),
        space_group_before=space_group_number(start.structure),
        space_group=space_group_number(bare),
        rms=rms,
        error="",
        potential=potential,
    )


def _failed(
    start: _Start, error: str, potential: str = "", energies: Iterable[float] = (), forces: Iterable[float] = ()
) -> Relaxation:
    group = space_group_number(start.structure)
    curves = np.array(list(energies)), np.array(list(forces))
    return Relaxation(start.name, start.structure, None, False, *curves, group, 0, None, error, potential)


class _Kept:
    """Results in a folder, one a line; a line that is cut or damaged is left out, and made again."""

    def __init__(self, folder: str | Path | None) -> None:
        self.path = None if folder is None else Path(folder) / KEPT
        self.lines: dict[str, dict[str, Any]] = {}
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file():
            content = self.path.read_text(encoding="utf-8", errors="surrogateescape")
            whole, _, cut = content.rpartition("\n")
            if cut:
                os.truncate(self.path, len((whole + "\n" * bool(whole)).encode(errors="surrogateescape")))
            for line in whole.splitlines():
                with suppress(ValueError, KeyError, TypeError):  # a damaged line is made again, too
                    found = json.loads(line)
                    self.lines[found["key"]] = found

    def find(self, start: _Start, task: _Task) -> Relaxation | None:
        from pymatgen.core import Structure

        found = self.lines.get(task.key(start.structure))
        if found is None:
            return None
        if found["error"]:
            return _failed(start, found["error"], task.potential, found["energies"], found["forces"])
        lattice, species, frac = found["structure"]
        relaxed = Structure(lattice, species, frac)
        return _result(start, relaxed, found["converged"], found["energies"], found["forces"], task.potential)

    def add(self, start: _Start, task: _Task, result: Relaxation) -> None:
        """Append a result in one write."""
        if self.path is None:
            return
        line = {
            "key": task.key(start.structure),
            "name": start.name,
            "converged": result.converged,
            "energies": [round(energy, 6) for energy in result.energies.tolist()],
            "forces": [round(force, 5) for force in result.forces.tolist()],
            "structure": None if result.structure is None else plain(result.structure),
            "error": result.error,
        }
        with self.path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def plain(structure: Structure) -> tuple[Any, ...]:
    """Lattice, elements and fractional coordinates to 1e-8, of which ``Structure`` makes a crystal again."""
    lattice = np.round(structure.lattice.matrix, 8).tolist()
    return lattice, [site.species_string for site in structure], np.round(structure.frac_coords, 8).tolist()
