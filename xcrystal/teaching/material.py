"""What the exercises are about: the model, its atlas, crystals of the gallery and their latent vectors, each opened
once.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.gallery.types import entries
from xcrystal.crystal.reading import check_structure
from xcrystal.errors import InvalidCrystalError
from xcrystal.generator import open_model
from xcrystal.latent.atlas import open_atlas
from xcrystal.teaching.questions import NotUnderstood

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

MODEL = "mp20"


@cache
def model() -> CrystalModel:
    """The model that the exercises are about."""
    return open_model(MODEL)


@cache
def atlas() -> Atlas:
    """Its atlas."""
    return open_atlas(MODEL)


@cache
def _entries() -> dict[str, Entry]:
    return {entry.name: entry for entry in entries()}


def names() -> list[str]:
    """Names of all entries of the gallery."""
    return list(_entries())


def entry(name: str) -> Entry:
    """An entry of the gallery by its name."""
    return _entries()[name]


def crystal(name: str) -> Structure:
    """The conventional cell of an entry of the gallery."""
    return entry(name).structure.copy()


def plain_structure(given: Structure) -> Structure:
    """What a student built, as crystals are compared here: without oxidation states.

    Raises
    ------
    NotUnderstood
        If it is no possible crystal; the message says why.
    """
    try:
        return check_structure(given)
    except InvalidCrystalError as error:
        raise NotUnderstood(str(error)) from error


@cache
def code(name: str) -> np.ndarray:
    """(Z,) the latent vector of an entry of the gallery."""
    found: np.ndarray = model().encode(entry(name).structure)[0]
    return found
