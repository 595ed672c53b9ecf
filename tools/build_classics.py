"""Look up the PBE gaps of the classic crystals: ``python tools/build_classics.py TABLE ...``.

Writes ``xcrystal/data/classics.csv``, the gaps that ``xcrystal evaluate classics`` compares with: of each crystal of
the gallery and of ``crystal.gallery.compounds``, the entry of the tables that is the same structure and has a known
gap, the lowest in energy of several. The values are the Materials Project's, CC BY 4.0; the table holds their ids.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from xcrystal.crystal.collections.tables import read_table, structure_of
from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.geometry.matching import matcher
from xcrystal.crystal.reading import check_structure, encodable
from xcrystal.errors import XCrystalError
from xcrystal.evaluation.properties.classic_gaps import REFERENCE, classic_crystals
from xcrystal.model.checkpoint import write_text


def reference(tables: Sequence[Path]) -> pd.DataFrame:
    """One row for each classic crystal that the tables hold: kind, formula, material_id and band_gap (eV)."""
    entries = pd.concat([read_table(path) for path in tables])
    entries = entries[entries.band_gap.notna()].sort_values("formation_energy_per_atom", kind="stable")
    rows = []
    for classic in classic_crystals():
        alike = entries[entries.formula == classic.structure.composition.reduced_formula]
        for record in alike.to_dict("records"):
            if _same(classic, record):
                found = {"material_id": record["material_id"], "band_gap": round(record["band_gap"], 3)}
                rows.append({"kind": classic.name, "formula": classic.formula} | found)
                break
    return pd.DataFrame(rows)


def _same(classic: Entry, record: dict[str, Any]) -> bool:
    try:
        structure = check_structure(structure_of(record))
        if encodable(structure).crystal.space_group != classic.space_group:
            return False
    except XCrystalError:
        return False
    return bool(matcher().fit(classic.structure, structure))


if __name__ == "__main__":
    write_text(reference([Path(name) for name in sys.argv[1:]]).to_csv(index=False), REFERENCE)
