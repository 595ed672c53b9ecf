"""The strongest peaks of all crystals of an atlas, so that a pattern can be looked for among them in a second.

The atlas holds latent vectors, not crystals: each is decoded once (a few minutes for tens of thousands), and of its
pattern the spacings and strengths of the strongest peaks are kept beside the atlas, as ``diffraction.safetensors``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.files import replacing
from xcrystal.diffraction.comparing import COARSE, WIDTHS, Query, curves
from xcrystal.diffraction.powder import angles, lorentz_polarization
from xcrystal.diffraction.reflections import UnitCell, cell_of_crystal, reflections_of
from xcrystal.errors import XCrystalError
from xcrystal.generator import BUNDLED
from xcrystal.latent.atlas import TABLE

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.model.decoded import Decoded

FILE = "diffraction.safetensors"
PEAKS = 24
_SMALLEST = 0.8  # Å
_WAVELENGTH = 1.54184  # Å; by whose intensities the strongest are chosen
_STEPS = 1e-4  # of ln d, in the file
_CHUNK = 1024
_SHIFTS = np.arange(-8, 9)  # of the axis, in its steps: 3 % of the cell either way


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Peaks of n crystals.

    Attributes
    ----------
    log_d
        (n, k) ln of the spacings in Å.
    strength
        (n, k) squared structure factors, summed over equivalent reflections, relative to the largest of each crystal;
        0 where it has fewer peaks.
    """

    log_d: np.ndarray
    strength: np.ndarray

    def __len__(self) -> int:
        return len(self.log_d)

    def similarities(self, query: Query) -> np.ndarray:
        """How like each crystal's pattern is a measured one, (n,): the best cosine while its cell shrinks or grows."""
        # to shift what was measured against all crystals is as good as to shift all crystals, and cheaper
        wanted, measured = (
            np.stack([np.roll(row, -shift) for shift in _SHIFTS], axis=1).astype(np.float32)
            for row in query.on_axis(COARSE, WIDTHS[0])
        )
        best = np.zeros(len(self))
        for begin in range(0, len(self), _CHUNK):
            log_d = self.log_d[begin : begin + _CHUNK].astype(float)
            sine = query.wavelength / (2 * np.exp(log_d))
            two_theta = np.degrees(2 * np.arcsin(np.minimum(sine, 0.999)))
            areas = self.strength[begin : begin + _CHUNK] * lorentz_polarization(two_theta) * (sine < 0.999)
            rows = curves(-log_d, areas, COARSE, WIDTHS[0]).astype(np.float32)
            norms = np.sqrt(rows**2 @ measured) * np.linalg.norm(wanted, axis=0)
            best[begin : begin + _CHUNK] = (rows @ wanted / np.maximum(norms, 1e-12)).max(axis=1)
        return best

    def take(self, rows: np.ndarray) -> Fingerprints:
        """Those of some rows (k,)."""
        return Fingerprints(self.log_d[rows], self.strength[rows])

    @classmethod
    def of(cls, cells: Sequence[UnitCell | None]) -> Fingerprints:
        """Calculate those of some cells; None, or a cell without a pattern, has no peaks."""
        log_d = np.zeros((len(cells), PEAKS))
        strength = np.zeros((len(cells), PEAKS))
        for k, cell in enumerate(cells):
            if cell is None:
                continue
            try:
                found = reflections_of(cell, _SMALLEST)
            except XCrystalError:
                continue
            if not len(found.d):
                continue
            seen = found.strength * lorentz_polarization(angles(found.d, _WAVELENGTH))
            chosen = np.argsort(-seen)[:PEAKS]
            log_d[k, : len(chosen)] = np.log(found.d[chosen])
            strength[k, : len(chosen)] = found.strength[chosen] / max(found.strength[chosen].max(), 1e-12)
        return cls(log_d, strength)


def cells_of(decoded: Sequence[Decoded]) -> list[UnitCell | None]:
    """What diffracts of decoded crystals; None of one that is none."""
    return [cell_of_crystal(d.crystal) if len(d.element) else None for d in decoded]


def atlas_fingerprints(
    model: CrystalModel, atlas: Atlas, progress: Callable[[int, int], object] | None = None
) -> Fingerprints:
    """Those of all crystals of an atlas: read, or calculated and kept beside it.

    Parameters
    ----------
    progress
        Called with how many are done, and of how many, while they are calculated.
    """
    if "_fingerprints" not in vars(atlas):
        digest = _digest(model, atlas)
        folder = next((f for f in (BUNDLED / atlas.name, Path(atlas.name)) if (f / TABLE).is_file()), None)
        found = None if folder is None else _read(folder / FILE, digest, len(atlas))
        if found is None:
            found = _calculate(model, atlas, progress)
            if folder is not None:
                _write(found, folder / FILE, digest)
        vars(atlas)["_fingerprints"] = found
    kept: Fingerprints = vars(atlas)["_fingerprints"]
    return kept


def _calculate(model: CrystalModel, atlas: Atlas, progress: Callable[[int, int], object] | None) -> Fingerprints:
    parts = []
    for begin in range(0, len(atlas), _CHUNK):
        cells = cells_of(model.decode_arrays(atlas.z[begin : begin + _CHUNK], effort="fast"))
        parts.append(Fingerprints.of(cells))
        if progress is not None:
            progress(min(begin + _CHUNK, len(atlas)), len(atlas))
    # as they are in the file, so that it makes no difference where they come from
    return _unpacked(
        *_packed(Fingerprints(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("log_d", "strength"))))
    )


def _digest(model: CrystalModel, atlas: Atlas) -> str:
    return hashlib.sha256(f"{model.digest} {len(atlas)} ".encode() + atlas.z.astype(np.float16).tobytes()).hexdigest()


def _packed(found: Fingerprints) -> tuple[np.ndarray, np.ndarray]:
    steps = np.rint((found.log_d - np.log(0.5)) / _STEPS).clip(0, 65535).astype(np.uint16)
    # square roots, as the weak ones count in what is compared
    return steps, np.rint(255 * np.sqrt(found.strength)).astype(np.uint8)


def _unpacked(steps: np.ndarray, roots: np.ndarray) -> Fingerprints:
    log_d = (np.log(0.5) + steps.astype(np.float32) * _STEPS).astype(np.float32)
    return Fingerprints(log_d, (roots.astype(np.float32) / 255) ** 2)


def _read(path: Path, digest: str, count: int) -> Fingerprints | None:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="np") as file:
            if file.metadata().get("digest") != digest:
                return None
            steps, roots = file.get_tensor("log_d"), file.get_tensor("strength")
    except Exception:  # noqa: BLE001, a damaged file is written anew
        return None
    return _unpacked(steps, roots) if steps.shape == roots.shape == (count, PEAKS) else None


def _write(found: Fingerprints, path: Path, digest: str) -> None:
    from safetensors.numpy import save

    steps, roots = _packed(found)
    with suppress(OSError), replacing(path) as part:  # of a folder that is read only they are calculated again
        part.write_bytes(save({"log_d": steps, "strength": roots}, {"digest": digest}))
