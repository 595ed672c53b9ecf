"""The model knows the classics, and the report says so honestly."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import xcrystal as xc
from xcrystal.cli import app
from xcrystal.evaluation.generative.gallery import GalleryReport, evaluate_gallery


@pytest.fixture(scope="module")
def report() -> GalleryReport:
    return evaluate_gallery(xc.load("mp20"))


def test_the_model_knows_the_classics(report: GalleryReport) -> None:
    """60 of the 61 that it can read came back when this was written; polonium alone did not."""
    assert len(report.encoded) >= 61
    assert len(report.matched) >= 57
    known = {c.name for c in report.matched}
    assert {"rock salt", "diamond", "cubic perovskite", "fluorite", "wurtzite", "rutile", "spinel", "corundum"} <= known
    kept = [c for c in report.matched if c.decoded_space_group == c.space_group]
    assert len(kept) >= len(report.matched) - 3
    assert report.to_dict()["mean_rms"] < 0.01
    assert report.to_dict()["volume_error_median"] < 0.01


def test_what_is_too_large_is_named_with_the_reason(report: GalleryReport) -> None:
    left_out = {c.name: c.not_encoded for c in report.classics if c.not_encoded is not None}
    assert set(left_out) == {"garnet"}
    assert "80 atoms" in str(left_out["garnet"])
    assert "not encoded: garnet" in report.table()


def test_every_entry_has_its_row(report: GalleryReport) -> None:
    table = report.table()
    assert [row.split("  ")[0] for row in table.splitlines()[1:5]] == [e.name for e in xc.gallery()[:4]]
    assert len(report.classics) == len(xc.gallery())
    for classic in report.classics:
        assert (classic.rms is not None) <= (classic.not_encoded is None)


def test_the_command_prints_the_same_figures(report: GalleryReport) -> None:
    printed = CliRunner().invoke(app, ["evaluate", "gallery", "--json"])
    assert printed.exit_code == 0, printed.output
    found = json.loads(printed.stdout)
    assert (found["crystals"], found["encoded"], found["matched"]) == (
        len(report.classics),
        len(report.encoded),
        len(report.matched),
    )
    assert [c["name"] for c in found["classics"]] == [c.name for c in report.classics]
