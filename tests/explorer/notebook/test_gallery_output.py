"""``xc.gallery()``: a list whose entries can be called by name, and which a notebook shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import xcrystal as xc


def test_it_is_a_list_of_entries() -> None:
    gallery = xc.gallery()
    assert isinstance(gallery, list)
    assert gallery[0] is gallery["simple cubic"]
    assert [entry.name for entry in gallery[:2]] == ["simple cubic", "face-centred cubic"]
    assert gallery["NaCl"] is gallery["b1"] is gallery["Rock Salt"]
    assert [entry.formula for entry in gallery[["C5", "rock salt"]]] == ["TiO2", "NaCl"]
    assert repr(gallery["rock salt"]) == "Entry('rock salt', NaCl, Fm-3m)"


def test_a_name_that_is_none_or_not_enough_is_a_clear_error() -> None:
    gallery = xc.gallery()
    with pytest.raises(KeyError, match="no entry 'unobtainium'"):
        gallery["unobtainium"]
    with pytest.raises(KeyError, match="'rutile', 'anatase'"):
        gallery["TiO2"]


def test_entries_cannot_be_changed_and_galleries_are_their_own() -> None:
    one, other = xc.gallery(), xc.gallery()
    with pytest.raises(AttributeError):
        one[0].name = "mine"
    one["rock salt"].structure.scale_lattice(1.0)
    assert other["rock salt"].structure.volume == pytest.approx(5.6393**3)


def test_a_notebook_shows_a_picture_with_a_caption_of_each() -> None:
    part = xc.gallery()[10:15]
    html = part._repr_html_()
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append(tag)  # type: ignore[method-assign]
    parser.feed(html)
    assert found.count("svg") == found.count("figure") == found.count("figcaption") == len(part) == 5
    captions = [re.sub("<[^>]+>", "", c) for c in re.findall("<figcaption>(.*?)</figcaption>", html)]
    assert captions[0] == "rock saltNaCl, Fm3m (B1)"
    assert "B8<sub>1</sub>" in html
