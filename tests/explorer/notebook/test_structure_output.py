"""Structures as the last line of a cell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pymatgen.core import DummySpecies, IStructure, Lattice, Structure

import xcrystal as xc
from tests.crystals import CRYSTALS
from xcrystal.explorer.notebook.structure_output import MAX_ATOMS, MIME_TYPE, structure_data

SALT = CRYSTALS["rock salt NaCl"].to_structure()


@pytest.fixture(scope="module")
def shell() -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell

    main = sys.modules["__main__"]  # which it replaces
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()
    sys.modules["__main__"] = main


@pytest.fixture
def drawing(shell: Any) -> Iterator[Any]:
    xc.draw_structures()
    yield shell
    xc.draw_structures(False)


def shown(shell: Any, thing: object) -> dict[str, Any]:
    bundle, _ = shell.display_formatter.format(thing)
    return dict(bundle)


def test_structures_are_drawn_only_if_asked_for(shell: Any) -> None:
    usual = shown(shell, SALT)
    assert MIME_TYPE not in usual
    xc.draw_structures()
    xc.draw_structures()
    drawn = shown(shell, SALT)
    assert set(drawn) == {MIME_TYPE, "text/html", "text/plain"}
    assert drawn["text/plain"] == usual["text/plain"]
    assert "<svg" in drawn["text/html"]
    xc.draw_structures(False)
    assert shown(shell, SALT) == usual
    xc.draw_structures(False)
    xc.draw_structures()  # and again, after its type is known
    assert MIME_TYPE in shown(shell, SALT)
    xc.draw_structures(False)
    assert shown(shell, SALT) == usual


def test_data_is_plain_json_of_the_structure(drawing: Any) -> None:
    data = json.loads(json.dumps(shown(drawing, SALT)[MIME_TYPE]))
    assert data == structure_data(SALT)
    assert (data["version"], data["title"]) == (1, "NaCl")
    np.testing.assert_allclose(data["lattice"], SALT.lattice.matrix)
    np.testing.assert_allclose(data["positions"], SALT.frac_coords)
    assert sorted(species[0]["symbol"] for species in data["species"]) == ["Cl", "Na"]


def test_what_cannot_be_changed_is_drawn_too(drawing: Any) -> None:
    assert MIME_TYPE in shown(drawing, IStructure.from_sites(list(SALT)))


def test_shared_sites(drawing: Any) -> None:
    alloy = Structure(Lattice.cubic(3.8), [{"Au": 0.25, "Cu": 0.75}, {"O2-": 0.5}], [[0, 0, 0], [0.5] * 3])
    bundle = shown(drawing, alloy)
    assert bundle[MIME_TYPE]["species"] == [
        [{"symbol": "Cu", "occupancy": 0.75}, {"symbol": "Au", "occupancy": 0.25}],
        [{"symbol": "O", "occupancy": 0.5}],
    ]
    # a disc with a sector for each share, the empty one among them
    assert "<title>Cu 0.75, Au 0.25</title>" in bundle["text/html"]
    assert "<title>O 0.5, empty 0.5</title>" in bundle["text/html"]
    ions = Structure(Lattice.cubic(3.8), [{"Fe2+": 0.5, "Fe3+": 0.5}], [[0, 0, 0]])
    assert "<title>" not in shown(drawing, ions)["text/html"]


def test_what_is_no_element_is_text_without_a_picture(drawing: Any) -> None:
    strange = Structure(Lattice.cubic(3), [DummySpecies("X")], [[0, 0, 0]])
    bundle = shown(drawing, strange)
    assert bundle[MIME_TYPE]["species"][0][0]["symbol"] == "X"
    assert bundle["text/html"].startswith("<pre>")


def test_huge_structures_stay_text_and_say_why(drawing: Any) -> None:
    huge = SALT * (11, 10, 10)
    assert len(huge) > MAX_ATOMS
    bundle = shown(drawing, huge)
    assert set(bundle) == {"text/plain"}
    assert "Not drawn: it has 2,200 atoms" in bundle["text/plain"]


def test_other_things_are_as_always(drawing: Any) -> None:
    assert set(shown(drawing, [SALT])) == {"text/plain"}


def test_plain_python_is_reported() -> None:
    code = "import xcrystal as xc\ntry: xc.draw_structures()\nexcept xc.XCrystalError as e: print(e)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "draw_structures() works in a notebook or in IPython only; this is plain Python.\n"


def test_pymatgen_is_not_imported_by_switching_on() -> None:
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.instance()\n"
        "import sys, xcrystal as xc\nxc.draw_structures()\nprint('pymatgen.core' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


def test_empty_sites_are_left_out(drawing: Any) -> None:
    holed = Structure(Lattice.cubic(4), [{}, {"Na": 1}], [[0, 0, 0], [0.5, 0.5, 0.5]])
    bundle = shown(drawing, holed)
    assert bundle[MIME_TYPE]["species"] == [[{"symbol": "Na", "occupancy": 1.0}]]
    assert bundle[MIME_TYPE]["positions"] == [[0.5, 0.5, 0.5]]
    assert "<svg" in bundle["text/html"]
