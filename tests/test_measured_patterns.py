"""Measured patterns are read whatever they are written in, and what is none is said in a sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import xcrystal as xc
from xcrystal.diffraction.measured import MAX_POINTS, MAX_TAGS, MeasuredPattern
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
}


@pytest.mark.parametrize("name", FILES)
def test_formats(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    pattern = xc.read_pattern(tmp_path / name)
    np.testing.assert_allclose(pattern.two_theta, X, atol=1e-6)
    np.testing.assert_allclose(pattern.intensity, Y)
    says = name.endswith(("uxd", "xrdml"))
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
    content = (tmp_path / "a.brml").read_bytes()
    directory = content.index(b"PK\x05\x06") + 12  # its size, of which a larger one leads to before the file
    for at in (60, directory):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        (tmp_path / "a.brml").write_bytes(damaged)
        with pytest.raises(ReadError, match="damaged"):
            xc.read_pattern(tmp_path / "a.brml")


def test_a_brml_declares_nothing_in_whatever_encoding(tmp_path: Path) -> None:
    raw = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16")
    with zipfile.ZipFile(tmp_path / "a.brml", "w") as archive:
        archive.writestr("RawData0.xml", raw)
    with pytest.raises(ReadError, match="entities"):
        xc.read_pattern(tmp_path / "a.brml")


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
    "bomb.xrdml": ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "entities"),
    "late.xrdml": (f"<?xml version='1.0'?><!--{9000 * '-+'}--><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "entities"),
    "tags.xrdml": ("<?xml version='1.0'?><a>" + "<b/>" * (MAX_TAGS + 1) + "</a>", "tags of XML"),
    "bad.brml": ("PK\x03\x04 nothing", "damaged"),
    "binary.raw": ("RAW1.01\x00\x00", "binary"),
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
    assert pattern.figure().data[0].name == "salt &lt;b&gt;"
    assert max(pattern.figure().data[0].y) == pytest.approx(100)
