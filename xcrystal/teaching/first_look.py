"""Exercise 1: crystals of the gallery, their latent vectors, reconstructions and neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.teaching import material
from xcrystal.teaching.questions import Choice, Count, Formula, Names, Number, Question

if TYPE_CHECKING:
    from pymatgen.core import Structure

TITLE = "A first look"
ELEMENTS = 10  # entries at the beginning of the gallery


def questions() -> Mapping[str, Question]:
    """The questions of the exercise."""
    return {
        "a": Count(
            "Atoms in the primitive cell of spinel",
            lambda: material.entry("spinel").atoms,
            (
                "The entry of the gallery holds the conventional cell, which people like to look at.",
                "A structure of pymatgen has a method get_primitive_structure().",
            ),
            "The model counts the atoms of primitive cells.",
            slips=lambda: {
                "That is the conventional cell, which is larger for a face-centred lattice.": float(
                    len(material.crystal("spinel"))
                ),
                "That is one formula unit; the primitive cell of spinel holds more than one.": 7.0,
            },
        ),
        "b": Count(
            "Numbers in the latent vector of spinel",
            lambda: material.model().latent_dim,
            ("encode gives one row for each crystal.", "The shape of an array is in its attribute shape."),
            "Every crystal gets as many, a simple one like a complicated one.",
            slips=lambda: {"That is the number of crystals; how long is one row?": 1.0},
        ),
        "c": Choice(
            "What becomes of the latent vector when the cell is doubled",
            _doubled,
            ("Subtract one latent vector from the other and look at the largest difference.",),
            "A supercell is another way to write the same crystal, so its latent vector must be the same.",
            options={
                "it stays the same": "Look again: how large is the largest difference?",
                "it doubles": "Divide one latent vector by the other: is the ratio 2?",
                "it changes": "How large is the largest difference, compared with the numbers themselves?",
            },
        ),
        "d": Number(
            "Error of the volume of corundum, in per cent of the true one",
            _volume_error,
            (
                "Compare volumes of one atom each: the decoder gives a primitive cell, the gallery a conventional one.",
                "100 * (decoded / true - 1), each volume divided by len(structure).",
            ),
            "A match is judged after volumes were made equal, so an error of the volume has to be looked at by itself.",
            unit="per cent",
            relative=0.03,
            absolute=0.02,
            slips=lambda: {
                "These are volumes of cells of different size. Divide each by its number of atoms.": 100
                * (_decoded("corundum").volume / material.crystal("corundum").volume - 1),
                "This is the ratio itself. By how much does it differ from 1?": 100 * (1 + _volume_error() / 100),
            },
        ),
        "e": Names(
            "Elements of the gallery that are reconstructed as something else",
            _lost,
            (
                "Encode and decode the structures of the first ten entries, and use match_rms on each and its decode.",
                "match_rms gives None where two structures do not match.",
            ),
            "Polonium is hardly in the data, so the decoder takes an element that it knows better.",
        ),
        "f": Formula(
            "The crystal nearest to the cubic perovskite, apart from itself",
            _neighbour,
            (
                "atlas.neighbours gives rows of atlas.table; the nearest of all may be the crystal itself.",
                'Leave out the rows whose formula is "SrTiO3".',
            ),
            "Neighbours in latent space are chemical relatives: europium(II) is about as large as strontium.",
        ),
    }


def _doubled() -> str:
    once = material.code("spinel")
    twice = material.model().encode(material.crystal("spinel") * (1, 1, 2))[0]
    if np.allclose(once, twice, rtol=1e-3, atol=1e-3):
        return "it stays the same"
    return "it doubles" if np.allclose(twice, 2 * once, rtol=1e-2) else "it changes"


def _decoded(name: str) -> Structure:
    return material.model().decode(material.code(name))[0]


def _volume_error() -> float:
    true, decoded = material.crystal("corundum"), _decoded("corundum")
    return float(100 * (decoded.volume / len(decoded) / (true.volume / len(true)) - 1))


def _lost() -> set[str]:
    names = material.names()[:ELEMENTS]
    decoded = material.model().decode(np.array([material.code(name) for name in names]))
    pairs = zip(names, decoded, strict=True)
    return {name for name, crystal in pairs if match_rms(material.crystal(name), crystal) is None}


def _neighbour() -> str:
    rows = material.atlas().neighbours(material.code("cubic perovskite"), k=8)[0][0]
    formulas = material.atlas().table["formula"].iloc[rows]
    return str(next(formula for formula in formulas if formula != "SrTiO3"))
