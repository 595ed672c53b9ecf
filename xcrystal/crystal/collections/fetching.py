"""Crystals of the Materials Project, fetched by their ids into a table in our format.

The crystals that the bundled model was selected with are not shipped, only their ids are: this is the way to have them
again. What the Materials Project says of a crystal changes from release to release; some old ids are gone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.collections.tables import read_table, row_of, write_table
from xcrystal.crystal.reading import check_structure, parse_structure
from xcrystal.errors import DatasetError, FetchError, XCrystalError

if TYPE_CHECKING:
    from pymatgen.core import Structure

VALIDATION_IDS = Path(__file__).parents[2] / "data" / "mp20" / "validation_ids.txt"
FIELDS = {
    "formation_energy_per_atom": "formation_energy_per_atom",
    "band_gap": "band_gap",
    "e_above_hull": "energy_above_hull",
}
"""Our column: the Materials Project's field."""
CHUNK = 100  # ids in one request: they go into its address, which servers cut at some thousand characters
_ID = re.compile(r"[a-z]+-([0-9]+|[a-z]+)")
Search = Callable[[list[str]], Iterable[Any]]
"""Ids to documents (objects or mappings) with ``material_id``, ``structure`` and the fields in ``FIELDS``."""
Find = Callable[[list[str]], Iterable[Any]]
"""Chemical systems ("Sr-Ti-O") to documents with ``material_id``."""


@dataclass(frozen=True)
class Fetched:
    """How many crystals are in the table now, and why others of the list are not, by their ids."""

    crystals: int
    missing: dict[str, str]


def read_ids(source: str | Path) -> list[str]:
    """The ids of a file, one a line; "validation" stands for those of the bundled model's validation crystals.

    Empty lines and lines that begin with # are skipped, and an id that comes again counts once.

    Raises
    ------
    DatasetError
        If the file cannot be read, holds none, or a line is no id ("mp-149").
    """
    path = VALIDATION_IDS if str(source) == "validation" else Path(source)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise DatasetError(f"There is no list of ids {path}: {error}") from error
    ids: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not _ID.fullmatch(text):
            raise DatasetError(f"{path}, line {number}: {text[:40]!r} is no id of a material, such as mp-149.")
        ids[text] = None
    if not ids:
        raise DatasetError(f"{path} holds no ids.")
    return list(ids)


def ids_in(systems: Sequence[str], find: Find) -> list[str]:
    """The ids of all crystals that are made of the elements of a chemical system, of all of them and no others.

    Parameters
    ----------
    systems
        Such as "Sr-Ti-O".
    find
        As ``materials_project_systems`` gives it.

    Returns
    -------
    list of str
        In order; each once.

    Raises
    ------
    DatasetError
        If one is no chemical system, or there are no crystals.
    FetchError
        If the request fails.
    """
    from pymatgen.core import Element

    for system in systems:
        elements = system.split("-")
        if not all(Element.is_valid_symbol(e) for e in elements) or len(set(elements)) < len(elements):
            raise DatasetError(f"{system[:40]!r} is no chemical system, such as Sr-Ti-O.")
    wanted = ["-".join(sorted(system.split("-"))) for system in systems]
    try:
        found = {str(_value(document, "material_id")) for document in find(wanted)}
    except Exception as error:  # a client of a network fails in whatever way its libraries do
        raise FetchError(f"The Materials Project did not answer: {str(error)[:200]}.") from error
    if not found:
        raise DatasetError(f"The Materials Project has no crystals of {', '.join(systems)}.")
    return sorted(found, key=id_key)


def fetch(ids: Sequence[str], out: Path, search: Search) -> Fetched:
    """Fetch crystals into a table (see ``xcrystal.crystal.collections.tables``), a chunk at a time.

    The table is written after each chunk; what it already holds is not asked for again, so that the same call goes on
    after an error.

    Parameters
    ----------
    ids
        (n,) different ids; the rows of the table get their order.
    out
        The parquet file.
    search
        As ``materials_project`` gives it.

    Raises
    ------
    FetchError
        If a request fails; what was fetched before is in the table.
    DatasetError
        If ``out`` exists and is something else than a part of these crystals, or cannot be written.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    if not out.parent.is_dir():
        raise DatasetError(f"There is no folder {out.parent} to write {out.name} into.")
    rows = _rows_there(ids, out)
    missing: dict[str, str] = {}
    todo = [name for name in ids if name not in rows]
    with tqdm(total=len(ids), initial=len(rows), desc="fetching", unit="crystal", disable=None) as bar:
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            try:
                documents = {id_key(str(_value(d, "material_id"))): d for d in search(list(chunk))}
            except Exception as error:  # a client of a network fails in whatever way its libraries do
                kept = f" {len(rows)} of {len(ids)} are in {out}; the same command goes on from there." if rows else ""
                raise FetchError(f"The Materials Project did not answer: {str(error)[:200]}.{kept}") from error
            for name in chunk:
                document = documents.get(id_key(name))
                if document is None:
                    missing[name] = "not found"
                    continue
                try:
                    rows[name] = to_row(name, document)
                except XCrystalError as error:
                    missing[name] = str(error)
            if rows:
                write_table(pd.DataFrame([rows[name] for name in ids if name in rows]), out)
            bar.update(len(chunk))
    return Fetched(len(rows), missing)


def materials_project(key: str | None = None) -> Search:
    """A function that asks the Materials Project, with a user's key or else the one in ``MP_API_KEY``.

    Raises
    ------
    FetchError
        If there is no key, or the package mp-api is not installed.
    """
    fields = ["material_id", "structure", *FIELDS.values()]
    ask = _client(key)
    return lambda ids: ask(material_ids=ids, fields=fields)


def materials_project_systems(key: str | None = None) -> Find:
    """As ``materials_project``, but a function of chemical systems that gives ids alone."""
    ask = _client(key)
    return lambda systems: ask(chemsys=systems, fields=["material_id"])


def _client(key: str | None) -> Callable[..., Iterable[Any]]:
    """What searches the summaries of the Materials Project."""
    key = key or os.environ.get("MP_API_KEY")
    if not key:
        raise FetchError(
            "The Materials Project gives crystals to users with a key (materialsproject.org/api, free): set MP_API_KEY."
        )
    try:
        from mp_api.client import MPRester
    except ImportError as error:
        raise FetchError(f"This needs the package mp-api: pip install 'xcrystal[mp]' ({error}).") from error

    def search(**wanted: Any) -> Iterable[Any]:
        # plain documents: releases of the client differ in how they validate others
        with MPRester(key, use_document_model=False, mute_progress_bars=True) as client:
            found: Iterable[Any] = client.materials.summary.search(**wanted)
            return found

    return search


def id_key(material_id: str) -> tuple[str, int]:
    """What two spellings of an id have in common: releases of the database write mp-149 also as mp-ft (base 26)."""
    prefix, _, tail = material_id.partition("-")
    if tail.isdigit():
        return prefix, int(tail)
    number = 0
    for letter in tail:
        number = 26 * number + ord(letter) - ord("a")
    return prefix, number


def to_row(name: str, document: Any) -> dict[str, Any]:
    """The row of a table: a document of the Materials Project under the id that it was asked for by.

    Raises
    ------
    ReadError, InvalidCrystalError
        If its structure is none.
    """
    structure = _structure(name, _value(document, "structure"))
    properties = {column: _value(document, field) for column, field in FIELDS.items()}
    known = {column: float("nan") if value is None else float(value) for column, value in properties.items()}
    return row_of(structure, name) | known


def _rows_there(ids: Sequence[str], out: Path) -> dict[str, dict[str, Any]]:
    if not out.exists():
        return {}
    rows = read_table(out).to_dict("records")
    there = {str(row.get("material_id")): {str(name): value for name, value in row.items()} for row in rows}
    others = [name for name in there if name not in set(ids)]
    if others:
        raise DatasetError(f"{out} already holds other crystals ({others[0]}): give another file.")
    return there


def _value(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, Mapping) else getattr(document, name, None)


def _structure(name: str, value: Any) -> Structure:
    if isinstance(value, Mapping):
        return check_structure(parse_structure(json.dumps(value).encode(), f"{name}.json"))
    if not hasattr(value, "lattice"):
        raise FetchError("It has no structure.")
    return check_structure(value)
