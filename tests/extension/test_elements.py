"""The extension's table of elements is that of ASE and pymatgen."""

from __future__ import annotations

from tests.extension.write_elements import ELEMENTS, elements_text


def test_the_table_is_what_the_script_writes() -> None:
    assert ELEMENTS.read_text(encoding="utf-8") == elements_text(), "run python -m tests.extension.write_elements"
