"""Write ``space_groups.json`` of the extension, spglib's table of settings: ``python tools/build_settings.py``.

The extension reads files by the same table as ``xcrystal.crystal.symmetry.space_group_settings``: of each setting its
number, choice, full symbol, Hall symbol and operations, and of each spelling of a symbol the Hall numbers it may stand
for. An operation is two letters of ``ALPHABET``: one for its rotation, one for its translation (in 24ths).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from xcrystal.crystal.symmetry.space_group_settings import all_settings, names

SETTINGS = Path(__file__).parents[1] / "extension" / "src" / "parsing" / "space_groups.json"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
GRID = 24


def settings_text() -> str:
    """The table, one setting a line, in the order of Hall numbers."""
    turns: dict[tuple[int, ...], int] = {}
    shifts: dict[tuple[int, ...], int] = {}
    rows = []
    for setting in all_settings():
        letters = ""
        for rotation, translation in zip(*setting.operations(), strict=True):
            turn = tuple(rotation.astype(int).ravel().tolist())
            shift = tuple((np.rint(translation * GRID).astype(int) % GRID).tolist())
            letters += ALPHABET[turns.setdefault(turn, len(turns))] + ALPHABET[shifts.setdefault(shift, len(shifts))]
        rows.append(json.dumps([setting.number, setting.choice, setting.symbol, setting.hall, letters]))
    return "\n".join(
        [
            "{",
            f'"alphabet": "{ALPHABET}",',
            f'"grid": {GRID},',
            f'"rotations": {json.dumps(list(turns))},',
            f'"translations": {json.dumps(list(shifts))},',
            '"settings": [',
            ",\n".join(rows),
            "],",
            f'"names": {json.dumps(names())}',
            "}",
            "",
        ]
    )


if __name__ == "__main__":
    SETTINGS.write_text(settings_text(), encoding="utf-8")
