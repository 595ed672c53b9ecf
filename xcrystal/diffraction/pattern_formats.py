"""The formats of measured powder patterns: what a file says of positions, intensities and the wavelength.

============  =====================================================================================================
.xy .dat ...  columns of numbers (angle, intensity, error), apart by spaces, commas, semicolons or tabs; lines of
.xye .csv     words before them are passed over, but for names of the columns and, of Panalytical's, the wavelengths
.ras .rasx    Rigaku's text format, and its zip of such files: the first scan
.uxd          Bruker's text format: counts by start and step, or pairs
.xrdml        Panalytical's XML format: the first scan
.brml         Bruker's zip of XML files: the first scan, of a point detector
.raw          Bruker's binary formats RAW1.01 and RAW4.00: see ``bruker_raw``
============  =====================================================================================================

A file may say anything: sizes and counts are bounded, and XML declares no entities.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from xcrystal.crystal.files import ZIP_ERRORS
from xcrystal.diffraction.bruker_raw import Columns, mean_wavelength, parse_raw
from xcrystal.errors import ReadError

MAX_POINTS = 200_000
MAX_UNPACKED = 40_000_000
MAX_TAGS = 1_000_000  # of XML; each takes a hundred bytes once it is read
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eEdD][-+]?\d+)?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")
_COMMENT = ("#", "!", "'", '"', "/", "*", "%", ";", "_", "[")
_MOST_WORDS = 200  # lines that are no numbers, before the first that are
_MOST_COLUMNS = 10  # of a line of a point detector
_HEAD = 50_000  # characters in which a wavelength is looked for
# K-Alpha1 wavelength,1.540598 in Panalytical's CSV; *HW_XG_WAVE_LENGTH_ALPHA1 "1.540593" in Rigaku's RAS
_WAVELENGTH = r"(?i)(?:K-Alpha{0} wavelength|WAVE_LENGTH_ALPHA{0}|WavelengthKalpha{0})\W+(\d+\.\d+)"
_RATIO = re.compile(r"(?i)Ratio K-Alpha2/K-Alpha1\W+(\d+(?:\.\d*)?)")


def parse_columns(content: bytes, name: str) -> Columns:
    """Read the content of a file of any of the formats.

    Parameters
    ----------
    content, name
        The bytes, and the name of the file, whose ending says of which format it is.

    Returns
    -------
    tuple
        Positions and intensities (n,), as they stand there, and the wavelength in Å, or None if it is not said.

    Raises
    ------
    ReadError
        If it is none of them, damaged or too large; the sentence says what is wrong.
    """
    kind = Path(name).suffix.lower()
    if kind in (".brml", ".rasx") or content[:4] == b"PK\x03\x04":
        return _zipped(content, name)
    if content[:3] == b"RAW":
        return parse_raw(content, name)
    if b"\x00" in content[:2000]:
        raise ReadError(f"{name} is a binary file of an unknown kind; save the pattern as text (.xy or .xrdml).")
    text = content.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise ReadError(f"{name} is empty.")
    if kind == ".xrdml" or text.lstrip()[:5] == "<?xml":
        return _xrdml(text, name)
    return _uxd(text, name) if kind == ".uxd" else _columns(text, name)


# -- columns of numbers ----------------------------------------------------------------------------------------------


def _columns(text: str, name: str, rigaku: bool = False) -> Columns:
    rows: list[list[float]] = []
    passed, head = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if words == "*RAS_INT_END":
            break
        if not words or words.startswith(_COMMENT):
            continue
        row = _row(words)
        if row is not None:
            rows.append(row)
            if len(rows) > MAX_POINTS:
                raise _too_many(name)
        elif rows:
            raise ReadError(f"Line {number} of {name} is not two numbers: {words[:40]!r}.")
        else:
            passed, head = passed + 1, words
            if passed > _MOST_WORDS:
                break
    if not rows:
        raise ReadError(f"{name} holds no columns of numbers: a pattern has an angle and an intensity in each line.")
    if rigaku or text.lstrip().startswith("*RAS"):
        _check_rigaku(text[:_HEAD], rows, name)
    place = _intensity_column(head, len(rows[0]))
    if any(len(row) <= place for row in rows):
        raise ReadError(f"{name} has lines with fewer columns than its first.")
    return np.array([row[0] for row in rows]), np.array([row[place] for row in rows]), _told(text[:_HEAD])


def _check_rigaku(head: str, rows: list[list[float]], name: str) -> None:
    """Refuse a scan that was not over 2θ, or in which an attenuator, by whose factors programs differ, was in use."""
    axis = re.search(r'MEAS_SCAN_AXIS_X\s+"?([^"\s]+)', head)
    if axis is not None and not axis[1].startswith("TwoTheta"):
        raise ReadError(f"{name} is a scan over {axis[1][:40]}; a powder pattern is one over TwoTheta.")
    if any(len(row) > 2 and row[2] != 1 for row in rows):
        raise ReadError(
            f"{name} was measured with an attenuator, whose factors programs read in different ways; "
            "save its corrected intensities as columns of numbers (.xy)."
        )


def _row(words: str) -> list[float] | None:
    """The numbers of a line, all of which has to be numbers; commas may be decimal points."""
    spaced = len(words.split()) > 1 and "." not in words and any(map(_DECIMAL_COMMA.fullmatch, words.split()))
    if ";" in words or ("\t" in words and "," in words) or spaced:
        words = words.replace(",", ".").replace(";", " ")
    parts = words.replace(",", " ").split()
    if len(parts) < 2 or not all(_NUMBER.fullmatch(part) or part.lower() in ("nan", "inf", "-inf") for part in parts):
        return None
    return [float(part.replace("d", "e").replace("D", "e")) for part in parts]


def _intensity_column(head: str, count: int) -> int:
    """Which column holds intensities: the one that a line of names calls so, otherwise the second."""
    names = [part.strip().lower() for part in re.split(r"[,;\t]", head)]
    named = (k for k, part in enumerate(names) if k and part.startswith(("intensity", "counts")))
    return next(named, 1) if len(names) == count else 1


def _told(head: str) -> float | None:
    """The wavelength that lines before the columns say."""
    first, second = (re.search(_WAVELENGTH.format(line), head) for line in (1, 2))
    ratio = _RATIO.search(head)
    return mean_wavelength(
        first and float(first[1]), second and float(second[1]), float(ratio[1]) if ratio is not None else None
    )


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
            if len(values) > 3 * MAX_POINTS:
                raise _too_many(name)
    told = mean_wavelength(facts.get("_WL1"), facts.get("_WL2"), facts.get("_WLRATIO"))
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


# -- XML, and zips of files ------------------------------------------------------------------------------------------


class _WithoutEntities(ElementTree.TreeBuilder):
    """Ends at a document type, before entities can be declared in it."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ReadError("It declares a document type.")


def _tree(text: str | bytes, name: str) -> ElementTree.Element:
    tags = text.count(b"<") if isinstance(text, bytes) else text.count("<")
    if tags > MAX_TAGS:
        raise ReadError(f"{name} holds {tags:,} tags of XML; at most {MAX_TAGS:,} are read.")
    parser = ElementTree.XMLParser(target=_WithoutEntities())
    try:
        return ElementTree.fromstring(text, parser)
    except ReadError:
        raise ReadError(f"{name} declares a document type, as no pattern does; it is not read.") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ReadError(f"{name} is not valid XML: {error}.") from error


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _find(root: ElementTree.Element | None, *names: str) -> ElementTree.Element | None:
    return None if root is None else next((e for e in root.iter() if _local(e) in names), None)


def _numbers(text: str | None, name: str) -> np.ndarray:
    words = (text or "").replace(",", " ").split()
    if len(words) > MAX_POINTS:
        raise _too_many(name)
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise ReadError(f"{name} holds what is no number among its counts: {error}.") from error


def _value(element: ElementTree.Element | None) -> float | None:
    """The number that an element holds, as text or as its attribute Value; None if it holds none."""
    words = "" if element is None else (element.get("Value") or element.text or "").strip()
    return float(words) if _NUMBER.fullmatch(words) else None


def _xrdml(text: str, name: str) -> Columns:
    root = _tree(text.encode() if text.lstrip().startswith("<?xml") else text, name)
    points = _find(root, "dataPoints")
    counts = _find(points, "intensities", "counts")
    if points is None or counts is None:
        raise ReadError(f"{name} holds no scan: an XRDML file has it in dataPoints.")
    y = _numbers(counts.text, name)
    if _local(counts) == "counts":  # "intensities" are corrected already
        y = y * _each(points, ("beamAttenuationFactors", "commonBeamAttenuationFactor"), y, name)
    y = y / np.maximum(_each(points, ("countingTimes",), y, name), 1e-9)  # where it differs from point to point
    axes = (e for e in points.iter() if _local(e) == "positions" and e.get("axis", "").lower().startswith("2theta"))
    ends = [_numbers(e.text, name) for e in next(axes, ()) if _local(e).endswith(("Position", "Positions"))]
    if len(ends) == 1 and len(ends[0]) == len(y):
        x = ends[0]
    elif len(ends) == 2 and all(len(end) == 1 for end in ends):
        x = np.linspace(ends[0][0], ends[1][0], len(y))
    else:
        raise ReadError(f"{name} does not say over which angles 2Theta its scan went.")
    return x, y, _xrdml_wavelength(root)


def _each(points: ElementTree.Element, names: tuple[str, ...], y: np.ndarray, name: str) -> np.ndarray:
    """Factors (n,) that a scan lists, or (1,): one for all, or 1 if it lists none."""
    found = _find(points, *names)
    if found is None:
        return np.ones(1)
    factors = _numbers(found.text, name)
    if len(factors) not in (1, len(y)):
        raise ReadError(f"{name} has {len(y)} counts but {len(factors)} {_local(found)}.")
    return factors


def _xrdml_wavelength(root: ElementTree.Element) -> float | None:
    """Kα1 if a germanium monochromator or a hybrid lets nothing else pass; of the doublet the mean."""
    used, beam = _find(root, "usedWavelength"), _find(root, "incidentBeamPath")
    if used is not None and used.get("intended") == "K-Beta":
        return _value(_find(used, "kBeta"))
    optics = [] if beam is None else list(beam.iter())
    alone = any(e.get("hybrid", "").lower() == "true" or _takes_one_line(e) for e in optics)
    first, second, ratio = (_value(_find(used, n)) for n in ("kAlpha1", "kAlpha2", "ratioKAlpha2KAlpha1"))
    return mean_wavelength(first, second, 0.0 if alone else ratio)


def _takes_one_line(optic: ElementTree.Element) -> bool:
    """Whether a monochromator parts Kα1 from Kα2, as one of germanium does and one of graphite does not."""
    if "monochromator" not in _local(optic).lower():
        return False
    said = (words for e in optic.iter() for words in (*e.attrib.values(), e.text or ""))
    return re.search(r"Ge(?![a-z])|[Hh]ybrid", " ".join(said)) is not None


def _zipped(content: bytes, name: str) -> Columns:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            of = {i.filename: i for i in archive.infolist()}
            files = sorted(f for f in of if re.search(r"(?:RawData\d*\.xml|Profile\d*\.txt)$", f))
            if not files:
                raise ReadError(f"{name} holds no RawData, as a BRML file does, and no Profile, as a RASX file does.")
            if of[files[0]].file_size > MAX_UNPACKED:
                raise ReadError(f"{name} unpacks to {of[files[0]].file_size / 1e6:.0f} MB, more than is read.")
            inside = archive.read(files[0])
            said = next((f for f in of if re.search(r"Conditions\d*\.xml$", f)), None)
            conditions = b"" if said is None or of[said].file_size > MAX_UNPACKED else archive.read(said)
    except ReadError:
        raise
    except ZIP_ERRORS as error:
        raise ReadError(f"{name} is a damaged BRML or RASX file: {error}.") from error
    if files[0].endswith(".txt"):
        x, y, _ = _columns(inside.decode("utf-8-sig", errors="replace"), name, rigaku=True)
        return x, y, _told(conditions.decode("utf-8", errors="replace"))
    return _brml(inside, name)


def _brml(content: bytes, name: str) -> Columns:
    root = _tree(content, name)
    routes = [e for e in root.iter() if _local(e) == "DataRoute"] or [root]
    # time, a flag, 2 theta, theta, counts
    rows = next((found for route in routes if (found := _data(route, name))), [])
    same = rows and all(len(row) == len(rows[0]) for row in rows)
    if not same or not 5 <= len(rows[0]) <= _MOST_COLUMNS or len(rows) < 2:
        raise ReadError(f"{name} holds no scan of a point detector; save the pattern as text (.xy or .uxd).")
    table = np.array(rows)
    first, second, ratio = (_value(_find(root, f"WaveLength{n}")) for n in ("Alpha1", "Alpha2", "Ratio"))
    return table[:, 2], table[:, -1], mean_wavelength(first, second, ratio)


def _data(route: ElementTree.Element, name: str) -> list[np.ndarray]:
    data = [e for e in route.iter() if _local(e) == "Datum"]
    if len(data) > MAX_POINTS:
        raise _too_many(name)
    return [_numbers(e.text, name) for e in data]


def _too_many(name: str) -> ReadError:
    return ReadError(f"{name} has more than {MAX_POINTS:,} points, the most that are read.")
