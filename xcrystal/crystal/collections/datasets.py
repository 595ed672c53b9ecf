"""Crystals of one's own, from whatever files they are in, as one table: what cannot be read is listed, not fatal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.collections.sources import ase_files, crystal_files, table_files
from xcrystal.crystal.collections.sources.parts import Found
from xcrystal.crystal.collections.tables import STRUCTURE_COLUMNS
from xcrystal.crystal.geometry.motifs import MOTIFS
from xcrystal.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

KINDS = "CIF, POSCAR, XSF, extended XYZ, ASE databases (.db, .json), parquet in our format, CSV with a column cif"
_COLOURS = ("density", "crystal_system", "number_of_elements")  # of the map, which every atlas has
_COLUMNS = ("material_id", "formula", "source", "space_group", "x", "y", "z", "row", "in_train", "flag")
TAKEN = (*STRUCTURE_COLUMNS, *MOTIFS, *_COLOURS, *_COLUMNS)
"""Names of columns that mean something else in an atlas or a run: a property that is called so is renamed."""
PREDICTED = "predicted_"
"""What the names of columns begin with that a model has predicted: such a property is renamed, too."""
_Reader = Callable[[Path, str], Iterator[Found]]
_NUMBERS: dict[_Reader | None, Callable[[Path], Iterator[str]]] = {
    ase_files.read_frames: ase_files.numbers_of_frames,
    ase_files.read_database: ase_files.numbers_of_database,
    table_files.read_csv: table_files.numbers_of_csv,
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Crystals from files.

    Attributes
    ----------
    table
        In the format of ``xcrystal.crystal.collections.tables``, with a ``source`` (file) and all ``properties``;
        ``material_id`` of no two rows is the same.
    properties
        Names of the columns of numbers that came with the crystals.
    skipped
        What could not be read: ``name``, ``source`` and ``reason``.
    files
        How many files were read.
    """

    table: pd.DataFrame
    properties: tuple[str, ...]
    skipped: pd.DataFrame
    files: int

    @classmethod
    def joined(cls, parts: Sequence[Dataset]) -> Dataset:
        """Several datasets one after another; a ``material_id`` of one may come again in another."""
        import pandas as pd

        return cls(
            pd.concat([part.table for part in parts], ignore_index=True),
            tuple(dict.fromkeys(name for part in parts for name in part.properties)),
            pd.concat([part.skipped for part in parts], ignore_index=True),
            sum(part.files for part in parts),
        )


def read_dataset(source: Path, without: Collection[Path] = ()) -> Dataset:
    """Read all crystals of a folder, its folders within, or one file, in the order of the names of the files.

    A folder with ``train.parquet`` is a dataset in our format, of which only that file is read. The files
    ``without``, such as those of an atlas that was made earlier, are passed over.

    Raises
    ------
    DatasetError
        If there is no such folder or file, it holds nothing that is known, or no crystal of it can be read.
    """
    from tqdm.auto import tqdm

    files = dataset_files(source, without)
    with tqdm(crystals_of(files, source), desc="reading", unit="crystal", disable=None) as bar:
        dataset = collected(bar, len(files))
    if not len(dataset.table):
        skipped = dataset.skipped
        first = f"; the first: {skipped['name'].iat[0]}: {skipped['reason'].iat[0]}" if len(skipped) else ""
        raise DatasetError(f"None of the {len(skipped)} crystals in {source} can be read{first}")
    return dataset


def crystals_of(files: Iterable[Path], source: Path) -> Iterator[tuple[str, Found]]:
    """What files of a dataset hold, one after another, and the file that it is in as the dataset calls it."""
    for path in files:
        if (reader := _reader(path)) is not None:
            shown = name_in(path, source)
            yield from ((shown, found) for found in reader(path, shown.removesuffix(path.suffix) or shown))


def name_in(path: Path, source: Path) -> str:
    """What a dataset calls one of its files."""
    return path.name if source.is_file() else path.relative_to(source).as_posix()


def collected(every: Iterable[tuple[str, Found]], files: int) -> Dataset:
    """A dataset of what was found in so many files; its table may be empty."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    taken: dict[str, int] = {}
    renamed: dict[str, str] = {}
    for shown, found in every:
        if found.problem:
            skipped.append({"name": found.name, "source": shown, "reason": found.problem})
            continue
        name = _free(found.name, taken)
        properties = {renamed.setdefault(n, property_name(n)): value for n, value in found.properties.items()}
        rows.append(found.row | {"material_id": name, "source": shown} | properties)
    fixed = ("material_id", "formula", *STRUCTURE_COLUMNS, "source")
    table = pd.DataFrame(rows, columns=None if rows else list(fixed))
    columns = tuple(n for n in dict.fromkeys(renamed.values()) if n in table and table[n].notna().any())
    problems = pd.DataFrame(skipped, columns=["name", "source", "reason"])
    return Dataset(table[[*fixed, *columns]], columns, problems, files)


def dataset_files(source: Path, without: Collection[Path] = ()) -> list[Path]:
    """The files of a dataset, as ``read_dataset`` reads them, in the order of their names.

    Raises
    ------
    DatasetError
        If there is no such folder or file, or it holds nothing that is known.
    """
    if source.is_file():
        if _reader(source) is None:
            raise DatasetError(f"{source} is not a kind of file that is known: {KINDS}.")
        return [source]
    if not source.is_dir():
        raise DatasetError(f"There is no dataset {source}: neither a folder nor a file.")
    if (source / "train.parquet").is_file():
        return [source / "train.parquet"]
    left = {path.resolve() for path in without}
    inside = sorted(
        (
            path
            for path in source.rglob("*")
            if path.is_file() and not _hidden(path.relative_to(source)) and not (left and path.resolve() in left)
        ),
        key=lambda path: path.relative_to(source).as_posix(),
    )
    found = [path for path in inside if _reader(path) is not None]
    if not found:
        what = f"none of its {len(inside)} files is one of: {KINDS}" if inside else "it is empty"
        raise DatasetError(f"There are no crystals in {source}: {what}.")
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "__")) for part in path.parts)


def _reader(path: Path) -> _Reader | None:
    """What reads a file, by its name; of .json also by its content."""
    suffix = path.suffix.lower()
    if suffix in ase_files.FRAMES:
        return ase_files.read_frames
    if suffix == ".db" or (suffix == ".json" and ase_files.is_database(path)):
        return ase_files.read_database
    if suffix == ".parquet":
        return table_files.read_parquet
    if suffix == ".csv":
        return table_files.read_csv
    return crystal_files.read if suffix == ".json" or crystal_files.is_one(path) else None


def first_properties(path: Path) -> Iterator[str]:
    """Names of the numbers of the first crystals of a file, as ``Dataset.properties``; of parquet its footer tells.

    Raises
    ------
    OSError
        If it cannot be reached; over a damaged file also whatever its format raises.
    """
    if path.suffix.lower() in (".db", ".json"):
        with path.open("rb") as file:
            file.read(1)  # raises what SQLite would take for damage, and whoever asks for a database for none
    if (names := _NUMBERS.get(_reader(path))) is not None:
        yield from map(property_name, names(path))


def property_name(name: str) -> str:
    """What a dataset calls a number that came with crystals."""
    name = "_".join(str(name).split())
    return f"given_{name}" if name in TAKEN or name.startswith(PREDICTED) else name


def _free(name: str, taken: dict[str, int]) -> str:
    """The name, with a number if another crystal has it already; ``taken`` keeps the last number of each name."""
    name = " ".join(str(name).split())[:200] or "crystal"
    found = name
    while found in taken:
        taken[name] += 1
        found = f"{name} ({taken[name]})"
    taken[found] = 1
    return found
