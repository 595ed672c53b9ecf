"""Bruker's binary powder patterns: RAW1.01 of DIFFRAC plus, and RAW4.00 of DIFFRAC.SUITE.

No description by Bruker is public; the places of the fields are those on which open readers agree. All numbers are
little-endian. What a file declares is held against its size before anything is read by it.
"""

from __future__ import annotations

import math
import struct

import numpy as np

from xcrystal.errors import ReadError

Columns = tuple[np.ndarray, np.ndarray, float | None]
"""Positions and intensities (n,), and the wavelength in Å if the file says it."""

_HEADER = {b"RAW1.01": 712, b"RAW4.00": 61}
_RANGE = {b"RAW1.01": 260, b"RAW4.00": 160}  # bytes of the header of a range, at the least
_MOST_SEGMENTS = 10_000
_INSTRUMENT = 30  # kind of segment
_BEGINS_RANGE = (0, 160)
_OTHER_SCANS = ("rocking", "phi", "chi", "psi")


def parse_raw(content: bytes, name: str) -> Columns:
    """The first range of a RAW file.

    Parameters
    ----------
    content, name
        The bytes, and the name of the file.

    Raises
    ------
    ReadError
        If it is of another version, cut off, or no scan over 2θ.
    """
    version = content[:7]
    if version not in _HEADER:
        raise ReadError(f"{name} is a RAW file of a version that is not read; save the pattern as text (.xy or .uxd).")
    try:
        found = _version_3(content) if version == b"RAW1.01" else _version_4(content, name)
    except struct.error:
        raise ReadError(f"{name} is cut off.") from None
    begin, count, size, start, step, wavelength = found
    if size < 4 or size % 4 or not 0 < count <= (len(content) - begin) // size:
        raise ReadError(f"{name} is cut off or damaged: it declares {count:,} points, but does not hold them.")
    if not (math.isfinite(start) and math.isfinite(step) and 1e-5 < abs(step) < 10):
        raise ReadError(f"{name} is damaged: it says neither where its range begins nor its step.")
    # the first number of each record is the intensity
    y = np.frombuffer(content, "<f4", count * size // 4, begin).reshape(count, -1)[:, 0].astype(float)
    return start + step * np.arange(count), y, wavelength


_Range = tuple[int, int, int, float, float, float | None]
"""Where its records begin, how many, bytes of each; first angle and step, degrees; wavelength, Å."""


def _version_3(content: bytes) -> _Range:
    at = _HEADER[b"RAW1.01"]
    header, count = struct.unpack_from("<II", content, at)
    (start,) = struct.unpack_from("<d", content, at + 16)
    (step,) = struct.unpack_from("<d", content, at + 176)
    size, extra = struct.unpack_from("<II", content, at + 252)
    first, second, _, ratio = struct.unpack_from("<4d", content, 624)
    return at + max(header, _RANGE[b"RAW1.01"]) + extra, count, size, start, step, mean_wavelength(first, second, ratio)


def _version_4(content: bytes, name: str) -> _Range:
    at, wavelength = _HEADER[b"RAW4.00"], None
    for _ in range(_MOST_SEGMENTS):
        (kind,) = struct.unpack_from("<I", content, at)
        if kind in _BEGINS_RANGE:
            break
        (length,) = struct.unpack_from("<I", content, at + 4)
        if kind == _INSTRUMENT:
            _, first, second, _, ratio = struct.unpack_from("<5d", content, at + 72)
            wavelength = mean_wavelength(first, second, ratio)
        at += max(length, 8)
    else:
        raise ReadError(f"{name} holds no range of measured points.")
    scan = content[at + 32 : at + 56].split(b"\x00")[0].decode("latin-1")
    if scan.lower().startswith(_OTHER_SCANS):
        raise ReadError(f"{name} is a scan of another kind, {scan!r}; a powder pattern is one over 2θ.")
    start, step = struct.unpack_from("<2d", content, at + 72)
    (count,) = struct.unpack_from("<I", content, at + 88)
    size, drives = struct.unpack_from("<II", content, at + 136)
    return at + _RANGE[b"RAW4.00"] + drives, count, size, start, step, wavelength


def mean_wavelength(first: float | None, second: float | None, ratio: float | None) -> float | None:
    """The wavelength at which unresolved lines of a doublet have their middle, Å.

    Parameters
    ----------
    first, second
        Kα1 and Kα2, Å; None if a file does not say them.
    ratio
        Intensity of the second to the first; None is 0.5, and 0 is Kα1 alone.
    """
    if not first or not math.isfinite(first):
        return None
    share = 0.5 if ratio is None else ratio
    if not second or not (math.isfinite(second) and 0 < share <= 2):
        return first
    return (first + share * second) / (1 + share)
