"""The extension's parsers need little for little, and refuse in one sentence what they do not read."""

from __future__ import annotations

from pathlib import Path

from tests.crystal.announcements import FILES, content_of
from tests.crystal.fuzzing import SECONDS, read_changed, text_files
from tests.extension.reading import parse_folder

# the extension shows more atoms than are read in Python, and passes over columns that it does not need
SHOWN = (
    "POSCAR of 200,000 atoms that are there",
    "XSF of 200,000 atoms that are there",
    "extended XYZ of a column 200,000,000 wide",
    "extended XYZ of a comment of 15 MB",
)


def test_what_a_file_announces_is_refused_before_it_is_made(tmp_path: Path) -> None:
    names = {case: f"{k} {name}" for k, (case, (name, _)) in enumerate(FILES.items()) if name != "a.parquet"}
    for case, name in names.items():
        (tmp_path / name).write_bytes(content_of(case)[1])
    found = parse_folder(tmp_path, 1000)
    for case, name in names.items():
        seconds, crystals = found[name]
        assert seconds < 10, case
        if isinstance(crystals, list):
            assert case in SHOWN, case
        else:
            assert crystals["kind"] == "ParseError", case


def test_changed_files_are_read_or_refused_in_one_sentence(tmp_path: Path) -> None:
    count = 0

    def keep(name: str, content: bytes) -> None:
        nonlocal count
        count += 1
        (tmp_path / f"{count} {name}").write_bytes(content)

    read_changed(text_files(), 300, keep)
    found = parse_folder(tmp_path, 300)
    assert len(found) == count >= 300
    for name, (seconds, crystals) in found.items():
        assert seconds < SECONDS, name
        assert isinstance(crystals, list) or crystals["kind"] == "ParseError", (name, crystals)
