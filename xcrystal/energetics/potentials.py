"""Interatomic potentials by name, as ASE calculators.

CHGNet (Deng et al., Nature Machine Intelligence 5, 1031, 2023) comes with its weights in its package, so that nothing
is fetched; it learned from relaxations of the Materials Project with PBE and PBE+U.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from xcrystal.errors import RelaxationError, check_one_of

if TYPE_CHECKING:
    from pymatgen.core import Structure


def _chgnet(device: str) -> Any:
    try:
        from chgnet.model import CHGNet
        from chgnet.model.dynamics import CHGNetCalculator
    except ImportError as error:
        raise RelaxationError('Relaxing needs CHGNet: pip install "xcrystal[relax]".') from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints where it runs
        network = CHGNet.load(model_name="0.3.0", use_device=device, verbose=False)
        return CHGNetCalculator(network, use_device=device, on_isolated_atoms="error")


POTENTIALS: dict[str, Callable[[str], Any]] = {"chgnet": _chgnet}
"""Names of potentials, and what makes the calculator on a device."""


@cache
def calculator(potential: str = "chgnet", device: str = "cpu") -> Any:
    """The ASE calculator of a potential.

    Raises
    ------
    TargetError
        If there is no such potential.
    RelaxationError
        If its package is not installed.
    """
    check_one_of(potential, POTENTIALS, "potential")
    with quiet():
        return POTENTIALS[potential](device)


def energy_per_atom(structure: Structure, potential: str = "chgnet", device: str = "cpu") -> float:
    """The potential's total energy of a structure as it is, eV/atom.

    Raises
    ------
    RelaxationError
        If the potential cannot tell it: an atom without neighbours, an element that it does not know.
    """
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    atoms.calc = calculator(potential, device)
    with quiet(), failing_as_errors():
        energy = float(atoms.get_potential_energy()) / len(atoms)
    if not math.isfinite(energy):
        raise RelaxationError("The potential gives no finite energy for this crystal.")
    return energy


@contextlib.contextmanager
def failing_as_errors() -> Iterator[None]:
    """Turn what a potential or an optimizer raises on an impossible crystal into a RelaxationError."""
    try:
        yield
    except RelaxationError:
        raise
    except (ValueError, ArithmeticError, RuntimeError, IndexError, KeyError) as error:
        isolated = "isolated atom" in str(error)
        reason = "an atom has no neighbours within 6 Å" if isolated else f"{type(error).__name__}: {error}"
        raise RelaxationError(f"The potential fails on this crystal ({reason}).") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of other packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
