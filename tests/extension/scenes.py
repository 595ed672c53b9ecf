"""Whether the extension's scene of a crystal is the one of the explorer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from xcrystal.explorer.drawing.scene import Scene


def assert_same_scene(own: dict[str, Any], theirs: Scene, name: str) -> None:
    assert tuple(own["repeat"]) == theirs.repeat and own["note"] == theirs.note, name
    assert own["atoms"] == theirs.atoms.tolist(), name
    for key, value in {"positions": theirs.positions, "radii": theirs.radii, "edges": theirs.edges}.items():
        np.testing.assert_allclose(own[key], value.ravel(), atol=2e-5, err_msg=name)
    assert own["extent"] == pytest.approx(theirs.extent, abs=1e-4), name
    bonds = np.column_stack([theirs.bond_starts, theirs.bond_ends, theirs.bond_radii, theirs.bond_atoms])
    drawn = np.column_stack(
        [
            np.reshape(own["bondStarts"], (-1, 3)),
            np.reshape(own["bondEnds"], (-1, 3)),
            own["bondRadii"],
            own["bondAtoms"],
        ]
    )
    _assert_same_rows(drawn, bonds, name)
    faces = _faces(own["corners"], own["faceSizes"], own["faceAtoms"])
    _assert_same_rows(faces, _faces(theirs.corners, theirs.face_sizes, theirs.face_atoms), name)


def _assert_same_rows(rows: np.ndarray, others: np.ndarray, name: str) -> None:
    assert len(rows) == len(others), name
    if len(others):
        distances, partners = cKDTree(others).query(rows)
        assert distances.max() < 5e-4 and len(set(partners)) == len(others), name


def _faces(corners: Any, sizes: Any, atoms: Any) -> np.ndarray:
    """(f, 9) middle, number of corners and atom of each face, its normal (which turns with the order of the corners),
    and how far its corners are from the middle."""
    ends = np.cumsum(np.asarray(sizes, dtype=int))
    rows = []
    for points, atom in zip(np.split(np.reshape(corners, (-1, 3)), ends)[: len(ends)], atoms, strict=True):
        out = points - points.mean(axis=0)
        normal = np.cross(out, np.roll(out, -1, axis=0)).sum(axis=0)
        rows.append([*points.mean(axis=0), len(points), atom, *normal, np.linalg.norm(out, axis=1).sum()])
    return np.reshape(rows, (-1, 9))
