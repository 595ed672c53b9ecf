"""Measured patterns are read whatever they are written in, and what is none is said in a sentence."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import xcrystal as xc
from xcrystal.diffraction.measured import MAX_POINTS, MeasuredPattern
from xcrystal.diffraction.pattern_formats import MAX_TAGS
from xcrystal.errors import ReadError, TargetError

X = np.round(np.arange(10, 20, 0.1), 3)
Y = np.round(100 * np.exp(-(((X - 14) / 0.3) ** 2)) + 5, 2)


def lines(separator: str, *more: str) -> str:
    return "\n".join(separator.join([f"{x}", f"{y}", *more]) for x, y in zip(X, Y, strict=True))


XRDML = f"""<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5"><xrdMeasurement>
<usedWavelength intended="K-Alpha 1"><kAlpha1 unit="Angstrom">0.7093</kAlpha1></usedWavelength>
<scan><dataPoints>
<positions axis="2Theta" unit="deg"><startPosition>{X[0]}</startPosition><endPosition>{X[-1]}</endPosition></positions>
<positions axis="Omega" unit="deg"><startPosition>5</startPosition><endPosition>9</endPosition></positions>
<intensities unit="counts">{" ".join(map(str, Y))}</intensities></dataPoints></scan>
</xrdMeasurement></xrdMeasurements>"""
COUNTS = "\n".join(" ".join(map(str, Y[k : k + 8])) for k in range(0, len(Y), 8))
CSV = f"""[Measurement conditions]
Sample identification,salt
Scan range,{X[0]},{X[-1]}
Anode material,Mo
K-Alpha1 wavelength,0.7093

[Scan points]
Angle,TimePerStep,Intensity,ESD
{chr(10).join(f"{x},17.850,{y},45.376" for x, y in zip(X, Y, strict=True))}
"""
RAS = f"""*RAS_DATA_START
*RAS_HEADER_START
*HW_XG_WAVE_LENGTH_ALPHA1 "0.7093"
*MEAS_SCAN_AXIS_X "TwoThetaTheta"
*RAS_HEADER_END
*RAS_INT_START
{lines(" ", "1.0000")}
*RAS_INT_END
*RAS_HEADER_START
*RAS_HEADER_END
*RAS_INT_START
50.0 1.0 1.0000
*RAS_INT_END
*RAS_DATA_END
"""
FILES = {
    "a.xy": lines(" "),
    "b.csv": "angle,counts\n" + lines(","),
    "c.xye": "# sample: salt\n" + lines("\t", "2.5"),
    "d.txt": "Sample\nmeasured on Monday\n" + lines(";").replace(".", ","),
    "i.xy": lines("  ").replace(".", ","),
    "e.dat": lines("  ") + "\n\n",
    "f.uxd": f"; a comment\n_FILEVERSION=2\n_WL1=0.7093\n_START={X[0]}\n_STEPSIZE=0.1\n_COUNTS\n{COUNTS}\n",
    "g.uxd": "_WL1=0.7093\n_2THETACOUNTS\n" + lines(" "),
    "h.xrdml": XRDML,
    "j.csv": CSV,
    "k.ras": RAS,
}


@pytest.mark.parametrize("name", FILES)
def test_formats(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    pattern = xc.read_pattern(tmp_path / name)
    np.testing.assert_allclose(pattern.two_theta, X, atol=1e-6)
    np.testing.assert_allclose(pattern.intensity, Y)
    says = name.endswith(("uxd", "xrdml", "j.csv", "ras"))
    assert pattern.wavelength == pytest.approx(0.7093 if says else 1.54184)
    assert xc.read_pattern(tmp_path / name, source="CoKa").wavelength == pytest.approx(1.79026)


def test_brml(tmp_path: Path) -> None:
    data = "".join(f"<Datum>1,1,{x},{x / 2},{y}</Datum>" for x, y in zip(X, Y, strict=True))
    with zipfile.ZipFile(tmp_path / "a.brml", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Experiment0/RawData0.xml", f'<RawData><WaveLengthAlpha1 Value="1.78897"/>{data}</RawData>')
    pattern = xc.read_pattern(tmp_path / "a.brml")
    np.testing.assert_allclose(pattern.two_theta, X)
    np.testing.assert_allclose(pattern.intensity, Y)
    assert pattern.wavelength == 1.78897
    content = bytearray((tmp_path / "a.brml").read_bytes())
    content[60] ^= 0xFF
    (tmp_path / "a.brml").write_bytes(content)
    with pytest.raises(ReadError, match="damaged"):
        xc.read_pattern(tmp_path / "a.brml")


def test_rasx(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.rasx", "w") as archive:
        archive.writestr("Data0/Profile0.txt", "\ufeff" + lines("\t", "1"))
        archive.writestr("Data1/Profile1.txt", "50\t1\t1")
        archive.writestr("Data0/MesurementConditions0.xml", "<a><WavelengthKalpha1>0.7093</WavelengthKalpha1></a>")
    pattern = xc.read_pattern(tmp_path / "a.rasx")
    np.testing.assert_allclose(pattern.two_theta, X)
    assert pattern.wavelength == 0.7093
    with zipfile.ZipFile(tmp_path / "weak.rasx", "w") as archive:
        archive.writestr("Data0/Profile0.txt", lines("\t", "1") + "\n50\t1\t0.1")
    with pytest.raises(ReadError, match=r"weak\.rasx was measured with an attenuator"):
        xc.read_pattern(tmp_path / "weak.rasx")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1.0000\n*RAS_INT_END", "8.2000\n*RAS_INT_END", "an attenuator"),
        ("TwoThetaTheta", "Omega", "a scan over Omega"),
    ],
)
def test_what_a_ras_file_holds_that_is_no_plain_pattern_is_said(old: str, new: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.ras").write_text(RAS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ReadError, match=words):
        xc.read_pattern(tmp_path / "a.ras")


def raw_3(y: np.ndarray, declared: int | None = None) -> bytes:
    """A RAW1.01 file with an extra record before the counts, and angles that were measured for each point."""
    head = bytearray(712)
    head[:8] = b"RAW1.01\x00"
    struct.pack_into("<4d", head, 624, 1.540598, 1.544426, 1.39225, 0.5)
    range_head = bytearray(304)
    struct.pack_into("<II2d", range_head, 0, 304, len(y) if declared is None else declared, X[0] / 2, X[0])
    struct.pack_into("<d", range_head, 176, 0.1)
    struct.pack_into("<3I", range_head, 248, 1, 12, 8)
    records = b"".join(struct.pack("<fd", value, angle) for value, angle in zip(y, X, strict=True))
    return bytes(head + range_head) + bytes(8) + records


def raw_4(y: np.ndarray, declared: int | None = None, scan: bytes = b"Locked Coupled") -> bytes:
    """A RAW4.00 file with a text, an instrument and the record of a drive."""
    head = bytearray(61)
    head[:8] = b"RAW4.00\x00"
    text = struct.pack("<3I24s4s", 10, 40, 0, b"USER", b"me")
    instrument = bytearray(124)
    struct.pack_into("<II", instrument, 0, 30, 124)
    struct.pack_into("<5d", instrument, 72, 1.5418, 1.540598, 1.544426, 1.39225, 0.5)
    range_head = bytearray(160)
    range_head[32 : 32 + len(scan)] = scan
    struct.pack_into("<2dI", range_head, 72, X[0], 0.1, len(y) if declared is None else declared)
    struct.pack_into("<II", range_head, 136, 8, 64)
    records = b"".join(struct.pack("<fI", value, 1) for value in y)
    return bytes(head) + text + bytes(instrument + range_head) + bytes(64) + records


@pytest.mark.parametrize("made", [raw_3, raw_4])
def test_raw(made: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(made(Y))
    pattern = xc.read_pattern(path)
    np.testing.assert_allclose(pattern.two_theta, X)
    np.testing.assert_allclose(pattern.intensity, Y, rtol=1e-6)
    assert pattern.wavelength == pytest.approx(1.541874)
    for content in (made(Y, 4_000_000_000), made(Y, 0), made(Y)[:-1], made(Y)[:900], made(Y)[:80]):
        path.write_bytes(content)
        with pytest.raises(ReadError, match="cut off"):
            xc.read_pattern(path)


def test_a_rocking_curve_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(raw_4(Y, scan=b"Rocking Curve"))
    with pytest.raises(ReadError, match="another kind"):
        xc.read_pattern(tmp_path / "a.raw")


DOUBLET = (
    '<kAlpha1 unit="Angstrom">1.540598</kAlpha1><kAlpha2 unit="Angstrom">1.544426</kAlpha2>'
    "<kBeta>1.39225</kBeta><ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>"
)


@pytest.mark.parametrize(
    ("intended", "optics", "wavelength"),
    [
        ("K-Alpha", "", 1.541874),
        ("K-Alpha 1", "<xRayMirror hybrid='false'/>", 1.541874),
        ("K-Alpha 1", "<monochromator name='Ge 111'/>", 1.540598),
        ("K-Alpha 1", "<monochromator name='2xGe220 Asym. (Hybrid)'/>", 1.540598),
        ("K-Alpha 1", "<monochromator><crystal type='Ge'/></monochromator>", 1.540598),
        ("K-Alpha", "<monochromator name='Graphite'/>", 1.541874),
        ("K-Alpha 1", "<xRayMirror hybrid='true'/>", 1.540598),
        ("K-Beta", "", 1.39225),
    ],
)
def test_an_xrdml_file_says_the_wavelength(intended: str, optics: str, wavelength: float, tmp_path: Path) -> None:
    """Of lines that are both there the mean; a germanium monochromator, or a hybrid, lets Kα1 alone pass."""
    used = f'<usedWavelength intended="{intended}">{DOUBLET}<incidentBeamPath>{optics}</incidentBeamPath>'
    begin, end = XRDML.index("<usedWavelength"), XRDML.index("<scan>")
    (tmp_path / "a.xrdml").write_text(XRDML[:begin] + used + XRDML[end:], encoding="utf-8")
    assert xc.read_pattern(tmp_path / "a.xrdml").wavelength == pytest.approx(wavelength)


def test_counts_of_an_xrdml_file_are_corrected(tmp_path: Path) -> None:
    """Raw counts by the attenuator and by times that differ; "intensities" are corrected for the attenuator already."""
    factors = "<beamAttenuationFactors>" + " ".join(["2"] * len(X)) + "</beamAttenuationFactors>"
    times = "<countingTimes>" + " ".join(str(2 + k) for k in range(len(X))) + "</countingTimes>"
    raw = XRDML.replace("intensities", "counts").replace("<counts", factors + times + "<counts")
    (tmp_path / "raw.xrdml").write_text(raw, encoding="utf-8")
    np.testing.assert_allclose(xc.read_pattern(tmp_path / "raw.xrdml").intensity, 2 * Y / (2 + np.arange(len(X))))
    (tmp_path / "done.xrdml").write_text(XRDML.replace("<intensities", factors + "<intensities"), encoding="utf-8")
    np.testing.assert_allclose(xc.read_pattern(tmp_path / "done.xrdml").intensity, Y)
    (tmp_path / "short.xrdml").write_text(raw.replace("<countingTimes>2 3 ", "<countingTimes>"), encoding="utf-8")
    with pytest.raises(ReadError, match="98 countingTimes"):
        xc.read_pattern(tmp_path / "short.xrdml")


def test_positions_in_q() -> None:
    q = 4 * np.pi * np.sin(np.radians(X / 2)) / 0.7093
    np.testing.assert_allclose(xc.read_pattern((q, Y), source="MoKa1", unit="q").two_theta, X)


def test_order_and_repeats_do_not_matter() -> None:
    pattern = xc.read_pattern((np.concatenate([X[::-1], X[:1]]), np.concatenate([Y[::-1], Y[:1] + 2])))
    np.testing.assert_allclose(pattern.two_theta, X)
    assert pattern.intensity[0] == pytest.approx(Y[0] + 1)


BAD = {
    "empty.xy": ("", "empty"),
    "words.xy": ("this is\nno pattern\n", "no columns of numbers"),
    "broken.xy": (lines(" ") + "\n21.0 x\n", "Line 101"),
    "short.xy": ("1 2\n3 4\n", "2 points"),
    "nan.xy": (lines(" ") + "\n20.5 nan\n", "not finite"),
    "far.xy": (lines(" ") + "\n200 1\n", "between 0 and 180"),
    "none.uxd": ("_START=5\n", "no counts"),
    "nowhere.uxd": ("_COUNTS\n1 2 3\n", "_STEPSIZE"),
    "half.xrdml": (XRDML[:300], "not valid XML"),
    "other.xrdml": ("<?xml version='1.0'?><a/>", "no scan"),
    "bomb.xrdml": (
        f"<?xml version='1.0'?><!--{' ' * 9999}--><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "document type",
    ),
    "tags.xrdml": ("<?xml version='1.0'?><a>" + "<b/>" * (MAX_TAGS + 1) + "</a>", "tags of XML"),
    "many.xrdml": (XRDML.replace('<intensities unit="counts">', "<intensities>" + "1 " * MAX_POINTS), "more than"),
    "many.xy": ("1 2\n" * (MAX_POINTS + 1), "more than"),
    "many.uxd": ("_COUNTS\n" + "1 2 3 4 5 6\n" * MAX_POINTS, "more than"),
    "bad.brml": ("PK\x03\x04 nothing", "damaged"),
    "old.raw": ("RAW2\x00\x00", "version"),
    "unknown.dat": ("FI\x00\x00", "binary"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_pattern_is_said(name: str, tmp_path: Path) -> None:
    text, words = BAD[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match=words):
        xc.read_pattern(tmp_path / name)


def test_other_sources_of_error(tmp_path: Path) -> None:
    for source, words in (
        (tmp_path, "folder"),
        (tmp_path / "none.xy", "no file"),
        (3, "two arrays"),
        ((X, Y[:-1]), "positions"),
        ((X, np.ones_like(X)), "same intensity"),
        ((np.linspace(5, 90, MAX_POINTS + 1), np.arange(MAX_POINTS + 1)), "at most"),
    ):
        with pytest.raises(ReadError, match=words):
            xc.read_pattern(source)
    with pytest.raises(TargetError, match="no unit"):
        xc.read_pattern((X, Y), unit="d")  # type: ignore[arg-type]


def test_it_draws_itself() -> None:
    pattern = MeasuredPattern("salt <b>", X, Y, 1.54)
    assert max(pattern.figure().data[0].y) == pytest.approx(100)
