"""From where a crystal is looked at in still pictures; ``extension/src/view.ts`` is the same for those that turn."""

from __future__ import annotations

import numpy as np

_TURN, _TILT = np.radians(24.0), np.radians(14.0)


def standard_view(lattice: np.ndarray) -> np.ndarray:
    """Along a* with c upwards, then turned a little about c, and seen from a little above.

    Parameters
    ----------
    lattice
        (3, 3) rows a, b and c, Å.

    Returns
    -------
    np.ndarray
        (3, 3) unit vectors as rows: what points to the right, upwards, and to the eye.
    """
    up = lattice[2] / np.linalg.norm(lattice[2])
    front = np.linalg.inv(lattice)[:, 0]
    front = front / np.linalg.norm(front)
    side = np.cross(up, front)
    level = np.cos(_TURN) * front + np.sin(_TURN) * side
    return np.array(
        [
            np.cos(_TURN) * side - np.sin(_TURN) * front,
            np.cos(_TILT) * up - np.sin(_TILT) * level,
            np.cos(_TILT) * level + np.sin(_TILT) * up,
        ]
    )
