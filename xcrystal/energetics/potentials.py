"""Interatomic potentials by name, as ASE calculators.

CHGNet (Deng et al., Nature Machine Intelligence 5, 1031, 2023) and SevenNet-0 (Park et al., J. Chem. Theory Comput. 20,
4857, 2024) come with their weights in their packages, so that nothing is fetched. Both learned from relaxations of the
Materials Project with PBE and PBE+U (MPtrj), so they are two networks' opinions about the same calculations.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from xcrystal.errors import RelaxationError, check_one_of

if TYPE_CHECKING:
    from pymatgen.core import Structure


def _chgnet(device: str) -> Any:
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    with contextlib.redirect_stdout(io.StringIO()):  # it prints where it runs
        network = CHGNet.load(model_name="0.3.0", use_device=device, verbose=False)
        return CHGNetCalculator(network, use_device=device, on_isolated_atoms="error")


def _sevennet(device: str) -> Any:
    from sevenn.calculator import SevenNetCalculator

    class Checked(SevenNetCalculator):
        """Says in a sentence what it does not know, and has no energy for an atom alone."""

        def set_atoms(self, atoms: Any) -> None:
            unknown = sorted({atom.symbol for atom in atoms if atom.number not in self.type_map})
            if unknown:
                raise RelaxationError(f"SevenNet does not know {' and '.join(unknown)}.")

        def output_to_results(self, output: Any) -> Any:
            if len(output["edge_index"].unique()) < int(output["num_atoms"]):
                raise RelaxationError(f"An atom of this crystal has no neighbours within {self.cutoff:g} Å.")
            return super().output_to_results(output)

    return Checked("7net-0_11July2024", device=device)


@dataclass(frozen=True)
class Potential:
    """An interatomic potential.

    Attributes
    ----------
    title
        What it is called.
    package, extra
        The module that has it, and the extra of xcrystal that installs it.
    make
        Makes the calculator on a device.
    """

    title: str
    package: str
    extra: str
    make: Callable[[str], Any]

    @property
    def missing(self) -> str:
        """What is not installed that it needs, in a sentence; empty if all is there."""
        there = importlib.util.find_spec(self.package) is not None
        return "" if there else f'Relaxing needs {self.title}: pip install "xcrystal[{self.extra}]".'

    @property
    def version(self) -> str:
        """Its package, which has the weights, and the version of that."""
        return f"{self.package} {importlib.metadata.version(self.package)}"


POTENTIALS = {
    "chgnet": Potential("CHGNet", "chgnet", "relax", _chgnet),
    "sevennet": Potential("SevenNet", "sevenn", "relax-sevennet", _sevennet),
}
"""Potentials by name."""


def potential_of(name: str) -> Potential:
    """The potential of a name.

    Raises
    ------
    TargetError
        If there is none.
    """
    check_one_of(name, POTENTIALS, "potential")
    return POTENTIALS[name]


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
    found = potential_of(potential)
    if found.missing:
        raise RelaxationError(found.missing)
    with quiet():
        return found.make(device)


def energy_per_atom(structure: Structure, potential: str = "chgnet", device: str = "cpu") -> float:
    """The potential's total energy of a structure as it is, eV/atom.

    Raises
    ------
    RelaxationError
        If the potential cannot tell it: an atom without neighbours, an element that it does not know.
    """
    from pymatgen.io.ase import AseAtomsAdaptor

    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    with quiet(), failing_as_errors():
        atoms.calc = calculator(potential, device)
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
