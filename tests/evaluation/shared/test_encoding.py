"""Crystals of a source, drawn and brought into canonical form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crystals import CRYSTALS
from xcrystal.evaluation.shared.encoding import encodable_of, sources_of
from xcrystal.evaluation.shared.parallel import Workers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three crystals as CIF files, and one file that is none."""
    for name in ("bcc W", "rock salt NaCl", "hcp Mg"):
        CRYSTALS[name].to_structure().to(str(tmp_path / f"{name.split()[1]}.cif"), fmt="cif")
    (tmp_path / "broken.cif").write_text("data_nothing\n")
    return tmp_path


def test_what_cannot_be_read_is_drawn_as_often_as_the_rest(folder: Path) -> None:
    sources = sources_of(folder)
    assert len(sources) == 4
    drawn = [sources.at_random(2, seed) for seed in range(200)]
    assert {len(part) for part in drawn} == {2}
    # half of the draws of two of four hold a given one: 100, standard deviation 7
    assert 65 < sum("broken.cif" in part.unreadable for part in drawn) < 135
    for part in drawn[:20]:
        assert part.unreadable.items() <= sources.unreadable.items()
        assert part.names == [name for name in sources.names if name in part.names]
        assert part.crystals == [sources.crystals[sources.names.index(name)] for name in part.names]
    assert [sources.at_random(2, 7).names for _ in range(2)] == [drawn[7].names] * 2
    assert sources.at_random(4, 0) is sources.at_random(None, 0) is sources


def test_what_was_drawn_and_cannot_be_read_is_named(folder: Path) -> None:
    sources = sources_of(folder)
    for seed in range(8):
        part = sources.at_random(2, seed)
        found = encodable_of(part, Workers(), (64, 24))
        assert found.not_encoded == part.unreadable
        assert len(found.crystals) + len(found.not_encoded) == 2
