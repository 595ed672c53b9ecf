"""Measured powder patterns, from the text files that diffractometers and beamlines write.

============  =====================================================================================================
.xy .dat ...  two or three columns of numbers (angle, intensity, error), apart by spaces, commas, semicolons or tabs;
.xye .csv     lines of words before them are passed over
.uxd          Bruker's text format: counts by start and step, or pairs
.xrdml        Panalytical's XML format: the first scan
.brml         Bruker's zip of XML files: the first scan, of a point detector
============  =====================================================================================================

Bruker's binary ``.raw`` is not read; its own programs write ``.uxd`` or ``.xy``.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from xcrystal.crystal.files import ZIP_ERRORS, check_bytes, read_whole
from xcrystal.diffraction.figures import Curve, Drawable, pattern_figure
from xcrystal.diffraction.powder import UNITS, Pattern, Unit, in_unit, to_two_theta, wavelength_of
from xcrystal.errors import ReadError, check_one_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_UNPACKED = 100_000_000
MAX_TAGS = 1_000_000  # of XML; each takes a hundred bytes once it is read
MIN_POINTS, MAX_POINTS = 50, 200_000
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eEdD][-+]?\d+)?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
_COMMENT = ("#", "!", "'", '"', "/", "*", "%", ";", "_", "[")
_MOST_WORDS = 200  # lines that are no numbers, before the first that are


@dataclass(frozen=True, eq=False)
class MeasuredPattern:
    """A measured powder pattern.

    Attributes
    ----------
    name
        Of the file.
    two_theta
        (n,) rising angles, degrees.
    intensity
        (n,) counts, or whatever they are.
    wavelength
        Å.
    unit
        What the positions were in where it was read from.
    """

    name: str
    two_theta: np.ndarray
    intensity: np.ndarray
    wavelength: float
    unit: Unit = "two_theta"

    def __repr__(self) -> str:
        low, high = self.two_theta[[0, -1]]
        return f"MeasuredPattern({self.name!r}, {len(self)} points from {low:g} to {high:g}°)"

    def __len__(self) -> int:
        return len(self.two_theta)

    def curve(self, unit: str) -> Curve:
        """As it is drawn, in a unit."""
        above, none = self.intensity - min(self.intensity.min(), 0), np.zeros(0)
        return Curve(
            self.name, in_unit(self.two_theta, self.wavelength, unit), 100 * above / above.max(), none, none, none
        )

    def figure(self, other: Drawable | None = None) -> Figure:
        """The pattern as a plotly figure; a calculated ``other`` is drawn beneath, upside down."""
        return pattern_figure(self, other, "two_theta", UNITS["two_theta"])


def read_pattern(pattern: Any, *, source: str | float | None = None, unit: Unit = "two_theta") -> MeasuredPattern:
    """Read a measured powder pattern.

    Parameters
    ----------
    pattern
        The path of a file, a pair of arrays (positions, intensities), or a pattern, measured or calculated.
    source
        The line or wavelength (Å) that it was measured with; by default what the file says, else "CuKa".
    unit
        Of positions in columns and arrays: "two_theta" (degrees) or "q" (1/Å).

    Raises
    ------
    ReadError
        If it is no pattern; the sentence says what is wrong.
    TargetError
        If there is no such source or unit.
    """
    check_one_of(unit, UNITS, "unit")
    given = None if source is None else wavelength_of(source)
    if isinstance(pattern, MeasuredPattern):
        return pattern if given is None else _checked(pattern.name, pattern.two_theta, pattern.intensity, given, unit)
    if isinstance(pattern, Pattern):
        x, y = pattern.profile()
        angle = to_two_theta(x, pattern.wavelength, pattern.unit)
        return MeasuredPattern(pattern.formula, angle, y, pattern.wavelength)
    if isinstance(pattern, (str, os.PathLike)):
        path = Path(pattern)
        return parse_pattern(read_whole(path), path.name, source=source, unit=unit)
    try:
        first, second = pattern
        x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    except (TypeError, ValueError):
        raise ReadError("A pattern is the path of a file, or two arrays: positions and intensities.") from None
    wavelength = given or wavelength_of("CuKa")
    return _checked("pattern", to_two_theta(x, wavelength, unit), y, wavelength, unit)


def parse_pattern(
    content: bytes, name: str, *, source: str | float | None = None, unit: Unit = "two_theta"
) -> MeasuredPattern:
    """Read a measured powder pattern from the content of a file; the rest is as for ``read_pattern``.

    Parameters
    ----------
    content, name
        The bytes, and the name of the file, whose ending says of which format it is.
    """
    check_one_of(unit, UNITS, "unit")
    check_bytes(len(content), name)
    x, y, told = _parse(content, name)
    wavelength = (None if source is None else wavelength_of(source)) or told or wavelength_of("CuKa")
    if Path(name).suffix.lower() in (".uxd", ".xrdml", ".brml"):  # which never hold anything but angles
        unit = "two_theta"
    return _checked(name, to_two_theta(x, wavelength, unit), y, wavelength, unit)


Columns = tuple[np.ndarray, np.ndarray, float | None]
"""Positions and intensities (n,), and the wavelength in Å if the file says it."""


def _parse(content: bytes, name: str) -> Columns:
    kind = Path(name).suffix.lower()
    if kind == ".brml" or content[:4] == b"PK\x03\x04":
        return _brml(content, name)
    if content[:3] == b"RAW" or b"\x00" in content[:2000]:
        raise ReadError(f"{name} is a binary file; save the pattern as text (.xy, .uxd or .xrdml).")
    text = content.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise ReadError(f"{name} is empty.")
    if kind == ".xrdml" or text.lstrip()[:5] == "<?xml":
        return _xrdml(text, name)
    return _uxd(text, name) if kind == ".uxd" else _columns(text, name)


def _columns(text: str, name: str) -> Columns:
    rows: list[tuple[float, float]] = []
    passed, told = 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words.startswith(_COMMENT):
            continue
        row = _row(words)
        if row is not None:
            rows.append(row)
        elif rows:
            raise ReadError(f"Line {number} of {name} is not two numbers: {words[:40]!r}.")
        else:
            passed += 1
            if passed > _MOST_WORDS:
                break
    if not rows:
        raise ReadError(f"{name} holds no columns of numbers: a pattern has an angle and an intensity in each line.")
    x, y = np.array(rows).T
    return x, y, told


def _row(words: str) -> tuple[float, float] | None:
    """The first two numbers of a line, all of which has to be numbers; commas may be decimal points."""
    spaced = len(words.split()) > 1 and "." not in words and any(map(_DECIMAL_COMMA.fullmatch, words.split()))
    if ";" in words or ("\t" in words and "," in words) or spaced:
        words = words.replace(",", ".").replace(";", " ")
    parts = words.replace(",", " ").split()
    if len(parts) < 2 or not all(_NUMBER.fullmatch(part) or part.lower() in ("nan", "inf", "-inf") for part in parts):
        return None
    first, second = (float(part.replace("d", "e").replace("D", "e")) for part in parts[:2])
    return first, second


def _uxd(text: str, name: str) -> Columns:
    facts: dict[str, float] = {}
    values: list[float] = []
    kind = ""
    for line in text.splitlines():
        words = line.split(";")[0].strip()
        if not words:
            continue
        if words.startswith("_"):
            key, _, value = (part.strip() for part in words.partition("="))
            if kind and values:
                break  # of several ranges the first
            if key.upper() in ("_COUNTS", "_CPS", "_2THETACOUNTS", "_2THETACPS", "_2THETACOUNTSTIME"):
                kind = key.upper()
            elif _NUMBER.fullmatch(value):
                facts[key.upper()] = float(value)
        elif kind:
            found = words.replace(",", " ").split()
            if not all(_NUMBER.fullmatch(word) for word in found):
                raise ReadError(f"{name} holds what is no number among its counts: {words[:40]!r}.")
            values += [float(word) for word in found]
    told = facts.get("_WL1")
    if not values:
        raise ReadError(f"{name} holds no counts: a UXD file has them below _COUNTS, _CPS or _2THETACOUNTS.")
    y = np.array(values)
    if kind.startswith("_2THETA"):
        columns = 3 if kind.endswith("TIME") else 2
        if len(y) % columns:
            raise ReadError(f"{name} is cut off: its last line is not complete.")
        table = y.reshape(-1, columns)
        return table[:, 0], table[:, 1], told
    start = facts.get("_2THETA", facts.get("_START"))
    step = facts.get("_STEPSIZE")
    if start is None or not step:
        raise ReadError(f"{name} does not say where its counts begin (_START or _2THETA) and their _STEPSIZE.")
    return start + step * np.arange(len(y)), y, told


def _tree(text: bytes, name: str) -> ElementTree.Element:
    tags = text.count(b"<")
    if tags > MAX_TAGS:
        raise ReadError(f"{name} holds {tags:,} tags of XML; at most {MAX_TAGS:,} are read.")
    try:
        return ElementTree.fromstring(text, ElementTree.XMLParser(target=_Builder()))
    except _DeclaresError:
        raise ReadError(f"{name} declares entities, as no pattern does; it is not read.") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ReadError(f"{name} is not valid XML: {error}.") from error


class _DeclaresError(Exception):
    """An XML file has a DOCTYPE, in which entities may be declared that unfold to gigabytes."""


class _Builder(ElementTree.TreeBuilder):
    """Builds the tree, unless the parser meets a DOCTYPE, wherever and in whatever encoding it stands."""

    def doctype(self, *_: Any) -> None:
        raise _DeclaresError


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _find(root: ElementTree.Element, *names: str) -> ElementTree.Element | None:
    return next((e for e in root.iter() if _local(e) in names), None)


def _numbers(text: str | None, name: str) -> np.ndarray:
    try:
        return np.array([float(word) for word in (text or "").replace(",", " ").split()])
    except ValueError as error:
        raise ReadError(f"{name} holds what is no number among its counts: {error}.") from error


def _xrdml(text: str, name: str) -> Columns:
    root = _tree(text.strip().encode(), name)
    points = _find(root, "dataPoints")
    counts = None if points is None else _find(points, "intensities", "counts")
    if points is None or counts is None:
        raise ReadError(f"{name} holds no scan: an XRDML file has it in dataPoints.")
    y = _numbers(counts.text, name)
    axis = next((e for e in points.iter() if _local(e) == "positions" and "theta" in e.get("axis", "").lower()
                 and e.get("axis", "").lower().startswith("2")), None)  # fmt: skip
    ends = (
        [] if axis is None else [_numbers(e.text, name) for e in axis if _local(e).endswith(("Position", "Positions"))]
    )
    if len(ends) == 1 and len(ends[0]) == len(y):
        x = ends[0]
    elif len(ends) == 2 and all(len(end) == 1 for end in ends):
        x = np.linspace(ends[0][0], ends[1][0], len(y))
    else:
        raise ReadError(f"{name} does not say over which angles 2Theta its scan went.")
    line = _find(root, "kAlpha1")
    wavelength = None if line is None else _numbers(line.text, name)
    return x, y, float(wavelength[0]) if wavelength is not None and len(wavelength) == 1 else None


def _brml(content: bytes, name: str) -> Columns:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            raw = sorted((i for i in archive.infolist() if re.search(r"RawData\d*\.xml$", i.filename)), key=str)
            if not raw:
                raise ReadError(f"{name} holds no RawData, as a BRML file does.")
            if raw[0].file_size > MAX_UNPACKED:
                raise ReadError(f"{name} unpacks to {raw[0].file_size / 1e6:.0f} MB, more than is read.")
            root = _tree(archive.read(raw[0]), name)
    except ReadError:
        raise
    except ZIP_ERRORS as error:
        raise ReadError(f"{name} is a damaged BRML file: {error}.") from error
    # time, a flag, 2 theta, theta, counts
    rows = [_numbers(e.text, name) for e in root.iter() if _local(e) == "Datum"]
    if not rows or any(len(row) != len(rows[0]) for row in rows) or len(rows[0]) < 5 or len(rows) < 2:
        raise ReadError(f"{name} holds no scan of a point detector; save the pattern as text (.xy or .uxd).")
    table = np.array(rows)
    line = _find(root, "WaveLengthAlpha1")
    told = None if line is None else line.get("Value")
    return table[:, 2], table[:, -1], float(told) if told and _NUMBER.fullmatch(told) else None


def _checked(name: str, x: np.ndarray, y: np.ndarray, wavelength: float, unit: Unit) -> MeasuredPattern:
    if x.ndim != 1 or x.shape != y.shape:
        raise ReadError(f"{name} has {x.size} positions but {y.size} intensities; each needs one of the other.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ReadError(f"{name} holds a number that is not finite (NaN or infinite).")
    if len(x) > MAX_POINTS:
        raise ReadError(f"{name} has {len(x):,} points; at most {MAX_POINTS:,} are read.")
    if not 0.05 <= wavelength <= 10:
        raise ReadError(f"{name} says a wavelength of {wavelength:g} Å, as X-rays do not have; give the source.")
    order = np.argsort(x, kind="stable")
    angle, first, count = np.unique(x[order], return_index=True, return_counts=True)
    if len(angle) < MIN_POINTS:
        raise ReadError(f"{name} has {len(angle)} points; a pattern has at least {MIN_POINTS}.")
    if angle[0] < 0 or angle[-1] >= 180:
        raise ReadError(f"{name} goes from {angle[0]:g} to {angle[-1]:g}; angles 2θ lie between 0 and 180 degrees.")
    mean = np.add.reduceat(y[order], first) / count
    if np.ptp(mean) == 0:
        raise ReadError(f"{name} has the same intensity everywhere, so no peaks.")
    return MeasuredPattern(name, angle, mean, wavelength, unit)
