"""An explanation as bars, or of pairs as a matrix: what each is of, how long it is, and which atoms belong to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.explanation.score_scale import score_span
from xcrystal.explorer import words
from xcrystal.explorer.drawing.palette import hex_color
from xcrystal.explorer.drawing.scene_message import atom_names
from xcrystal.explorer.session.tabs.site_facts import with_orbits

if TYPE_CHECKING:
    from xcrystal.explanation.attribution import Attribution

MOST_ATOMS = 24  # bars; in larger cells atoms that are equal share one
MOST_LATENT = 16


def bars(
    found: Attribution, orbit_of_atom: np.ndarray, others: Mapping[str, Attribution] | None = None
) -> dict[str, Any]:
    """One row a score, as JSON.

    Parameters
    ----------
    found
        The explanation; of a level other than "pairs".
    orbit_of_atom
        (n_atoms,) orbit of each atom of its structure, in canonical order.
    others
        Explanations of the same scores in another way, by what that way is called; they become ticks.

    Returns
    -------
    dict
        "span" (the longest bar or tick), "low" and "high" (the ends of the colours, in words), "left_out" (how many
        scores are not shown), and
        "rows" with "label", "value", "text", "color", "atoms" (their indices) and "ticks" (name, value and text).
    """
    rows = _rows(found, orbit_of_atom)
    ticks = {name: other.scores for name, other in (others or {}).items() if other.scores.shape == found.scores.shape}
    scores = np.nan_to_num(found.scores)
    span = max([score_span(scores), *(score_span(np.nan_to_num(values)) for values in ticks.values())])
    digits = digits_for(span)
    colors, scale = _colors(found), found.scale(scores)
    return {
        "span": span,
        "low": signed(-scale.span, digits) if scale.signed else "0",
        "high": signed(scale.span, digits),
        "left_out": len(scores) - len(rows) if found.level == "latent" else 0,
        "rows": [
            {
                "label": label,
                "value": float(scores[k]),
                "text": signed(float(scores[k]), digits),
                "color": colors[k if not atoms or found.atom_scores is None else -1 - atoms[0]],
                "atoms": atoms,
                "ticks": [[name, float(values[k]), signed(float(values[k]), digits)] for name, values in ticks.items()],
            }
            for label, k, atoms in rows
        ],
    }


def matrix(found: Attribution, orbit_of_atom: np.ndarray) -> dict[str, Any]:
    """Interactions of pairs as JSON: "names" of the orbits, "atoms" of each, and "cells" with text, colour and ink.

    ``orbit_of_atom`` (n,) holds the orbit of each atom.
    """
    scores = np.nan_to_num(found.scores)
    scale = found.scale(scores)
    span, shades = scale.span, scale.colors(scores)
    digits = digits_for(span)
    return {
        "names": list(found.names),
        "atoms": [_where(orbit_of_atom == k) for k in range(len(found.names))],
        "low": signed(-span, digits),
        "high": signed(span, digits),
        "cells": [
            [
                {
                    "text": signed(float(score), digits),
                    "color": hex_color(shade),
                    "ink": "#fff" if float(shade @ [0.299, 0.587, 0.114]) < 0.5 else "#111",
                }
                for score, shade in zip(*row, strict=True)
            ]
            for row in zip(scores, shades, strict=True)
        ],
    }


def digits_for(span: float) -> int:
    """Digits behind the point that tell numbers of this size apart."""
    return int(np.clip(2 - math.floor(math.log10(max(span, 1e-9))), 1, 6))


def signed(value: float, digits: int) -> str:
    """A number with its sign, and a minus that is as wide as a plus."""
    return words.number(value, digits, plus=True)


def _rows(found: Attribution, orbit_of_atom: np.ndarray) -> list[tuple[str, int, list[int]]]:
    """Label, number of the score, and atoms of each row."""
    if found.level == "orbits":
        return [(name, k, _where(orbit_of_atom == k)) for k, name in enumerate(found.names)]
    if found.level == "elements":
        symbols = np.array([site.specie.symbol for site in found.structure])
        return [(name, k, _where(symbols == name)) for k, name in enumerate(found.names)]
    if found.level != "atoms":
        order = np.argsort(-np.abs(np.nan_to_num(found.scores)), kind="stable")
        some = sorted(order[:MOST_LATENT]) if found.level == "lattice" else order[:MOST_LATENT]
        return [(found.names[k], int(k), []) for k in some]
    labels = atom_names(with_orbits(found.structure))
    if len(labels) <= MOST_ATOMS:
        return [(f"{k + 1}: {label.split(',')[0]}", k, [k]) for k, label in enumerate(labels)]
    groups: dict[tuple[int, str], list[int]] = {}
    for k, label in enumerate(labels):
        groups.setdefault((int(orbit_of_atom[k]), label), []).append(k)
    return [
        (f"{label}, each of {len(atoms)}" if len(atoms) > 1 else label, atoms[0], atoms)
        for (_, label), atoms in groups.items()
    ]


def _where(mask: np.ndarray) -> list[int]:
    return [int(k) for k in np.flatnonzero(mask)]


def _colors(found: Attribution) -> dict[int, str]:
    """Colours of scores by their number k, and of atoms as they are drawn by -1 - their number."""
    scores = np.nan_to_num(found.scores)
    colors = {k: hex_color(c) for k, c in enumerate(found.scale(scores).colors(scores))}
    if found.atom_scores is not None:
        atoms = np.nan_to_num(found.atom_scores)
        colors |= {-1 - k: hex_color(c) for k, c in enumerate(found.scale(atoms).colors(atoms))}
    return colors
