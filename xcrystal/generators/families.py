"""Families of generators behind one pair of functions: crystals, and one crystal's way from nothing, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from xcrystal.crystal.elements import MAX_Z, is_element, number_of, symbol
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import CheckpointError, InvalidCrystalError
from xcrystal.generator import BUNDLED, TEMPERATURE, CrystalModel, open_model
from xcrystal.generators.frames import Alternative, Frame

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generators.autoregressive import AutoregressiveNetwork
    from xcrystal.generators.diffusion import DiffusionNetwork, Templates

FOLDER = BUNDLED / "generators"
_CHUNK = 128
_SHOWN = 4


@dataclass(frozen=True)
class Wanted:
    """What sampled crystals shall be like; None leaves it open.

    Attributes
    ----------
    space_group
        A number, 1 to 230.
    elements
        Symbols of the elements that they may hold.
    temperature
        Spread of what is drawn: 1 as it was learned, less for more usual crystals.
    """

    space_group: int | None = None
    elements: Sequence[str] | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.space_group is not None and not 1 <= self.space_group <= 230:
            raise InvalidCrystalError(f"There is no space group {self.space_group}; they are numbered from 1 to 230.")
        unknown = [e for e in self.elements or () if not is_element(e) or number_of(e) > MAX_Z]
        if unknown or (self.elements is not None and not len(self.elements)):
            raise InvalidCrystalError(
                f"Name the elements that crystals may hold by their symbols, such as Na or Cl, not {unknown}."
            )
        if self.temperature is not None and not 0 < self.temperature <= 2:
            raise InvalidCrystalError(f"The temperature lies between 0 and 2, not at {self.temperature}.")

    @property
    def numbers(self) -> list[int] | None:
        """Atomic numbers of the elements."""
        return None if self.elements is None else [number_of(e) for e in self.elements]


class Family(Protocol):
    """A generator of some family."""

    name: str

    def sample(
        self, n: int, seed: int = 0, wanted: Wanted | None = None, on_step: Callable[[int], object] | None = None
    ) -> list[Structure]:
        """``n`` crystals; ``on_step`` is told how many are done, and what it raises ends the sampling."""
        ...

    def steps(self, seed: int = 0, wanted: Wanted | None = None, count: int = 40) -> list[Frame]:
        """One crystal's way from nothing, in about ``count`` steps where their number is not given."""
        ...


class LatentFamily:
    """An autoencoder: a latent vector is drawn, from the normal distribution or the learned prior, and decoded."""

    def __init__(self, model: CrystalModel, learned: bool) -> None:
        if learned and model.prior is None:
            raise CheckpointError(
                f"The model {model.name!r} has no learned prior; "
                f"fit one with: xcrystal fit-prior --model {model.name} --data FOLDER"
            )
        self.model, self.learned = model, learned
        self.name = "flow" if learned else "vae"

    def latent(self, n: int, seed: int, temperature: float | None) -> np.ndarray:
        """(n, Z) float32 draws."""
        if self.learned:
            assert self.model.prior is not None
            return self.model.prior.sample(n, seed, TEMPERATURE if temperature is None else temperature)
        spread = 1.0 if temperature is None else temperature
        normal = np.random.default_rng(seed).standard_normal((n, self.model.latent_dim))
        return (spread * normal).astype(np.float32)

    def _group(self, wanted: Wanted) -> int | None:
        if wanted.elements is not None:
            raise InvalidCrystalError(
                "A latent vector cannot be told its elements beforehand: use xc.design, or the family autoregressive "
                "or diffusion."
            )
        return wanted.space_group

    def sample(
        self, n: int, seed: int = 0, wanted: Wanted | None = None, on_step: Callable[[int], object] | None = None
    ) -> list[Structure]:
        """Crystals decoded from draws."""
        asked = wanted or Wanted()
        group, z, made = self._group(asked), self.latent(n, seed, asked.temperature), []
        for start in range(0, n, _CHUNK):
            made += self.model.decode(z[start : start + _CHUNK], group=group)
            if on_step:
                on_step(len(made))
        return made

    def steps(self, seed: int = 0, wanted: Wanted | None = None, count: int = 40) -> list[Frame]:
        """What the points decode to on the way of the learned prior, or of a straight line from the origin without."""
        import torch

        asked = wanted or Wanted()
        group = self._group(asked)
        end = self.latent(1, seed, asked.temperature)
        if self.learned:
            assert self.model.prior is not None
            spread = TEMPERATURE if asked.temperature is None else asked.temperature
            normal = np.random.default_rng(seed).standard_normal((1, self.model.latent_dim))
            point = torch.from_numpy((spread * normal).astype(np.float32)).to(self.model.device)
            way = [point]
            for k in range(count):  # the whole way in as many steps as there are frames
                way.append(self.model.prior.carry(way[-1], k / count, (k + 1) / count, 1))
            z = torch.cat(way).cpu().numpy()
        else:
            z = np.linspace(0.0, 1.0, count + 1)[:, None] * end
        decoded = self.model.decode_arrays(z, "fast", group)
        frames = []
        for k, found in enumerate(decoded):
            likely = zip(found.likely_groups.tolist(), found.likely_groups_probability.tolist(), strict=True)
            alternatives = tuple(Alternative(f"{space_group(g).symbol} ({g})", p) for g, p in list(likely)[:_SHOWN])
            words = f"{' '.join(symbol(int(e)) for e in found.element)}, |z| = {np.linalg.norm(z[k]):.1f}"
            frames.append(Frame(f"time {k / count:.2f}", words, k / count, found.crystal, alternatives))
        return frames


class AutoregressiveFamily:
    """A transformer that writes crystals piece by piece."""

    name = "autoregressive"

    def __init__(self, network: AutoregressiveNetwork, facts: dict[str, Any]) -> None:
        self.network, self.facts = network, facts

    def crystals(self, n: int, seed: int, wanted: Wanted | None = None, frames: list[Frame] | None = None) -> list[Any]:
        """The same as orbits; ``frames`` gets the pieces of the first one."""
        from xcrystal.generators.writing import Drawing, write_crystals

        asked = wanted or Wanted()
        temperature = 1.0 if asked.temperature is None else asked.temperature
        return write_crystals(
            self.network, n, seed, Drawing(temperature, group=asked.space_group, elements=asked.numbers), frames
        )

    def sample(
        self, n: int, seed: int = 0, wanted: Wanted | None = None, on_step: Callable[[int], object] | None = None
    ) -> list[Structure]:
        """Crystals written by the network."""
        return _structures(lambda m, s: self.crystals(m, s, wanted), n, seed, on_step)

    def steps(self, seed: int = 0, wanted: Wanted | None = None, count: int = 40) -> list[Frame]:
        """The pieces of one crystal; there are as many as it has."""
        frames: list[Frame] = []
        self.crystals(1, seed, wanted, frames)
        return frames


class DiffusionFamily:
    """A network that takes the noise out of elements, coordinates and cell."""

    name = "diffusion"

    def __init__(self, network: DiffusionNetwork, templates: Templates, facts: dict[str, Any]) -> None:
        self.network, self.templates, self.facts = network, templates, facts

    def _made(
        self, n: int, seed: int, wanted: Wanted | None, steps: int, noise: float, frames: list[Frame] | None = None
    ) -> list[WyckoffCrystal]:
        from xcrystal.generators.denoising import denoise_crystals

        asked = wanted or Wanted()
        if asked.temperature is not None:
            raise InvalidCrystalError("The diffusion model has no temperature: leave it out.")
        given = (asked.space_group, asked.numbers)
        return denoise_crystals(self.network, self.templates, n, seed, steps, noise, *given, frames)

    def sample(
        self, n: int, seed: int = 0, wanted: Wanted | None = None, on_step: Callable[[int], object] | None = None
    ) -> list[Structure]:
        """Crystals out of noise, in 100 steps."""
        from xcrystal.generators.denoising import STEPS

        return _structures(lambda m, s: self._made(m, s, wanted, STEPS, 1.0), n, seed, on_step)

    def steps(self, seed: int = 0, wanted: Wanted | None = None, count: int = 40) -> list[Frame]:
        """One crystal after each step, without new noise, so that the first noise decides everything."""
        frames: list[Frame] = []
        self._made(1, seed, wanted, count, 0.0, frames)
        return frames


def _structures(
    made: Callable[[int, int], Sequence[WyckoffCrystal]], n: int, seed: int, on_step: Callable[[int], object] | None
) -> list[Structure]:
    found: list[Structure] = []
    seeds = np.random.SeedSequence(seed).generate_state(max(1, -(-n // _CHUNK)))
    for start, own in zip(range(0, n, _CHUNK), seeds.tolist(), strict=False):
        found += [crystal.to_structure() for crystal in made(min(_CHUNK, n - start), own)]
        if on_step:
            on_step(len(found))
    return found


NAMES = {
    "vae": "VAE, normal distribution",
    "flow": "VAE, learned prior (flow)",
    "autoregressive": "autoregressive transformer",
    "diffusion": "diffusion",
}


def open_family(family: str, model: CrystalModel | str = "mp20", folder: Path | None = None) -> Family:
    """A generator of a family.

    Parameters
    ----------
    family
        "vae" (draws of the normal distribution are decoded), "flow" (draws of the learned prior are), "autoregressive"
        or "diffusion".
    model
        The autoencoder of the first two.
    folder
        Where the other two lie; by default those that ship.

    Raises
    ------
    InvalidCrystalError
        If there is no such family.
    CheckpointError
        If its weights are missing or damaged, or the model has no learned prior.
    """
    from xcrystal.generators.diffusion import DiffusionNetwork
    from xcrystal.generators.stored import load_network

    if family not in NAMES:
        raise InvalidCrystalError(f"There is no family {family!r} of generators; there are {', '.join(NAMES)}.")
    if family in ("vae", "flow"):
        opened = open_model(model) if isinstance(model, str) else model
        return LatentFamily(opened, learned=family == "flow")
    path = (folder or FOLDER) / f"generator-{family}.safetensors"
    network, facts, templates = load_network(path)
    if isinstance(network, DiffusionNetwork):
        if templates is None:
            raise CheckpointError(f"{path} holds no Wyckoff letters to begin from; train it again.")
        return DiffusionFamily(network, templates, facts)
    return AutoregressiveFamily(network, facts)


def sample(
    family: str = "flow",
    n: int = 1,
    seed: int = 0,
    *,
    space_group: int | None = None,
    elements: Sequence[str] | None = None,
    temperature: float | None = None,
    model: CrystalModel | str = "mp20",
) -> list[Structure]:
    """Crystals from a family of generators: what a model says, not relaxed.

    Parameters
    ----------
    family
        "vae", "flow", "autoregressive" or "diffusion".
    n, seed
        How many, and of everything random; the same numbers give the same crystals.
    space_group
        A number that all of them shall have.
    elements
        Symbols of the elements that they may hold ("autoregressive" and "diffusion").
    temperature
        Spread of what is drawn, 1 as it was learned; 0.95 with "flow" if not given; none with "diffusion".
    model
        The autoencoder of "vae" and "flow".

    Returns
    -------
    list of Structure
        Primitive cells with ``properties["space_group"]`` and site properties ``wyckoff`` and ``orbit``.

    Raises
    ------
    InvalidCrystalError
        If there is no such family, space group or element, or ``n`` or ``seed`` is negative.
    """
    _check(n, seed)
    return open_family(family, model).sample(n, seed, Wanted(space_group, elements, temperature))


def sample_steps(
    family: str = "flow",
    seed: int = 0,
    *,
    space_group: int | None = None,
    elements: Sequence[str] | None = None,
    temperature: float | None = None,
    model: CrystalModel | str = "mp20",
    count: int = 40,
) -> list[Frame]:
    """How one crystal comes about, step by step.

    Along the time of the flow each point is decoded; the autoregressive transformer shows each piece with what it might
    have been; diffusion shows the crystal in its noise, which here is not added anew.

    Parameters
    ----------
    count
        Steps of the families whose number of steps is free; other parameters as for ``sample``.

    Returns
    -------
    list of Frame
        The last one is the finished crystal.
    """
    _check(count, seed)
    return open_family(family, model).steps(seed, Wanted(space_group, elements, temperature), max(count, 2))


def _check(n: int, seed: int) -> None:
    if n < 0 or seed < 0:
        raise InvalidCrystalError(f"There is no sample of {n} crystals with the seed {seed}: neither is negative.")


def seconds_a_crystal(family: Family, n: int = 64) -> float:
    """Processor seconds that one crystal takes in a batch, the first batch not counted."""
    family.sample(2, 1)
    began = time.process_time()  # not slower where other programs run
    family.sample(n, 2)
    return (time.process_time() - began) / n
