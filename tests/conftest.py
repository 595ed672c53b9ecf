"""Shared by all tests: where ``tests.crystals`` is found, one torch thread count, the bundled model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.chart import Atlas


@pytest.fixture(scope="session")
def model() -> CrystalModel:
    """The bundled model, on the CPU."""
    from xcrystal.generator import open_model

    return open_model("mp20", device="cpu")


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    """The bundled atlas."""
    from xcrystal.latent.chart import open_atlas

    return open_atlas("mp20")
