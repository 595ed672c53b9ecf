"""Paths between two latent vectors: straight lines, arcs around the origin, and lines of the learned prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import InvalidCrystalError, TargetError

if TYPE_CHECKING:
    from xcrystal.model.prior import LatentFlow
    from xcrystal.wrapping import Explorable

FLOW = "flow"
KINDS = ("linear", "spherical", FLOW)
_TINY = 1e-12


def kinds_for(model: Explorable) -> tuple[str, ...]:
    """The kinds of paths that there are for a model: a flow path takes a learned prior."""
    return tuple(kind for kind in KINDS if kind != FLOW or model.has_prior)


def interpolate(
    start: np.ndarray, end: np.ndarray, steps: int = 16, kind: str = "linear", prior: LatentFlow | None = None
) -> np.ndarray:
    """Latent vectors from ``start`` to ``end``, both included.

    A straight line crosses the inside of the shell on which a Gaussian of many dimensions has its mass; a spherical
    path (T. White, Sampling generative networks, arXiv:1609.04468, 2016) stays on it: its direction turns at a constant
    rate in the plane of the two vectors, and its length changes linearly from that of the start to that of the end.
    Both cross regions where no crystal has its latent vector. A flow path keeps to where latent vectors are: both ends
    are carried back along the learned prior's flow to the normal distribution that it begins from, joined there by a
    straight line, and the line is carried forth (as D. P. Kingma and P. Dhariwal, Glow, NeurIPS 2018, do between
    images). Its steps differ in length for that: where nothing lies between two groups of latent vectors, it crosses
    fast.

    Parameters
    ----------
    start, end
        (..., Z) latent vectors, one path each.
    steps
        Number of frames, at least 2.
    kind
        "linear", "spherical" or "flow". From or to the origin, which has no direction, a spherical path is the straight
        one; of the many arcs between opposite vectors it takes one and the same each time.
    prior
        The learned prior of the model, such as ``xcrystal.load("mp20").prior``, which a flow path needs.

    Returns
    -------
    ndarray
        (..., steps, Z); the first and the last frame are exactly ``start`` and ``end``.

    Raises
    ------
    TargetError
        If there is no such kind of path, or no prior for a flow path.
    InvalidCrystalError
        If there are fewer than 2 steps, or the two differ in shape.
    """
    if kind not in KINDS:
        raise TargetError(f"There is no {kind!r} path; there are {', '.join(KINDS[:-1])} and {KINDS[-1]} ones.")
    if kind == FLOW and prior is None:
        raise TargetError("A flow path needs a learned prior, which this model has not; fit one: xcrystal fit-prior.")
    if steps < 2:
        raise InvalidCrystalError(f"A path has at least its two ends, not {steps} frames.")
    start, end = np.asarray(start), np.asarray(end)
    if start.shape != end.shape or start.ndim == 0:
        raise InvalidCrystalError(f"A path cannot lead from shape {start.shape} to shape {end.shape}.")
    dtype = np.result_type(start, end, np.float32)
    a, b = start.astype(np.float64)[..., None, :], end.astype(np.float64)[..., None, :]
    t = np.linspace(0.0, 1.0, steps)[:, None]
    frames = (1 - t) * a + t * b
    if prior is not None and kind == FLOW:
        frames = _carried(prior, (1 - t) * _carried(prior, a, 1.0, 0.0) + t * _carried(prior, b, 1.0, 0.0), 0.0, 1.0)
    elif kind == "spherical":
        one, other = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
        frames = np.where((one > _TINY) & (other > _TINY), _arc(a, b, one, other, t), frames)
    frames = frames.astype(dtype)
    frames[..., 0, :], frames[..., -1, :] = start, end
    return frames


def _carried(prior: LatentFlow, z: np.ndarray, start: float, end: float) -> np.ndarray:
    """Points (..., Z) of one time of the flow at another."""
    import torch

    from xcrystal.model.device import FEW, one_thread

    flat = torch.from_numpy(z.reshape(-1, z.shape[-1]).astype(np.float32)).to(prior.frequency.device)
    with one_thread(len(flat) <= FEW):
        found = prior.carry(flat, start, end)
    return np.asarray(found.cpu().numpy(), dtype=np.float64).reshape(z.shape)


def _arc(a: np.ndarray, b: np.ndarray, from_length: np.ndarray, to_length: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(..., S, Z) arcs for vectors (..., 1, Z) of lengths (..., 1, 1) at times (S, 1)."""
    one, other = a / np.maximum(from_length, _TINY), b / np.maximum(to_length, _TINY)
    along = (one * other).sum(axis=-1, keepdims=True)
    across = other - along * one
    height = np.linalg.norm(across, axis=-1, keepdims=True)
    angle = np.arctan2(height, along)  # arccos loses half of the digits of small angles
    # (anti)parallel vectors span no plane: any direction at right angles will do, but always the same one
    axis = np.eye(a.shape[-1])[np.abs(one).argmin(axis=-1)]
    aside = axis - (axis * one).sum(axis=-1, keepdims=True) * one
    aside = aside / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), _TINY)
    across = np.where(height > 1e-9, across / np.maximum(height, _TINY), aside)
    return ((1 - t) * from_length + t * to_length) * (np.cos(t * angle) * one + np.sin(t * angle) * across)
