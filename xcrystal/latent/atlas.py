"""The atlas: latent vectors, map coordinates and properties of known crystals, as flat files that anyone can read.

A folder holds ``atlas.parquet`` (one row a crystal: id, formula, properties, space group, map coordinates) and
``atlas.safetensors`` (the latent vectors ``z`` in the same order). One that was built from a user's crystals also holds
these (``structures.parquet``, in the same order), how it was made (``atlas.json``), and a README. What ``xcrystal
atlas-hull`` has calculated of it is in ``hull.parquet``.

From ``LARGE`` crystals on, the rows are in the order of an index of neighbours, ``lists.safetensors``, and the latent
vectors have 32 bits, so that the file is mapped: opening reads it once, without keeping it in memory, to see whether
the index is that of the vectors, and a search only the part that it looks at.
"""

from __future__ import annotations

import json
import warnings
from functools import cached_property
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import StoredRows, check_packing, read_table, structure_of
from xcrystal.crystal.files import map_array
from xcrystal.errors import DatasetError, ReadError, one_sentence
from xcrystal.generator import BUNDLED
from xcrystal.latent.compositions import Formula, distinct_formulas
from xcrystal.latent.directions import Directions, principal_directions
from xcrystal.latent.inverse import MapInverse
from xcrystal.latent.inverted_lists import InvertedLists, write_lists
from xcrystal.latent.nearest import Nearest
from xcrystal.protocols import as_vectors

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

TABLE, CODES, STRUCTURES, FACTS = "atlas.parquet", "atlas.safetensors", "structures.parquet", "atlas.json"
HULL, LISTS = "hull.parquet", "lists.safetensors"
LARGE = 200_000  # crystals from which on an atlas is written to be mapped, and has an index
IN_TRAIN, FLAG, ABOVE_HULL = "in_train", "flag", "above_hull"
_PLACING_NEIGHBOURS = 8
_FEW_IDS = 64  # that are looked up one by one
_PART = 2**15  # latent vectors that are looked at together


class Atlas:
    """Known crystals in latent space and on the map.

    Attributes
    ----------
    name
        Name or folder.
    table
        One row a crystal: ``material_id``, ``formula``, ``formation_energy_per_atom`` (eV/atom), ``band_gap`` (eV),
        ``e_above_hull`` (eV/atom), ``space_group``, and the map coordinates ``x``, ``y``; of a user's own crystals
        instead any numbers that came with them. If only some of the crystals are what the others are measured by,
        ``in_train`` tells which; ``flag`` says what is doubtful about a crystal (see ``xcrystal.crystal.quality``).
        ``above_hull`` (eV/atom), if it was calculated, is the energy above the hull of the crystals in the table.
    z
        (N, latent_dim) float32 posterior means.
    facts
        How it was made, if it says so.
    lists
        The index by which neighbours are found, approximately; None if all latent vectors are compared.
    """

    def __init__(
        self,
        name: str,
        table: pd.DataFrame,
        z: np.ndarray,
        facts: dict[str, Any] | None = None,
        structures: pd.DataFrame | Path | None = None,
        lists: InvertedLists | None = None,
    ) -> None:
        if len(table) != len(z):
            raise DatasetError(f"The atlas {name} has {len(table)} rows but {len(z)} latent vectors.")
        self.name, self.table, self.z, self.facts, self._structures = name, table, z, facts or {}, structures
        self.lists = lists

    def __repr__(self) -> str:
        return f"Atlas({self.name!r}, {len(self)} crystals)"

    def __len__(self) -> int:
        return len(self.z)

    @cached_property
    def in_train(self) -> np.ndarray:
        """(N,) bool: crystals that tell what a real one is like, as the prior learns it; all if the table names none.

        The others can be found and gone to, but a latent vector near to them alone is far from the data.
        """
        if IN_TRAIN in self.table and self.table[IN_TRAIN].dtype.kind == "b" and self.table[IN_TRAIN].any():
            return self.table[IN_TRAIN].to_numpy(dtype=bool)
        return np.ones(len(self), dtype=bool)

    @cached_property
    def reference(self) -> Atlas:
        """The atlas of the crystals ``in_train`` alone; the atlas itself if these are all."""
        if self.in_train.all():
            return self
        table = self.table[self.in_train].reset_index(drop=True)
        if self.lists is None:
            return Atlas(self.name, table, self.z[self.in_train])
        lists = self.lists.part(self.in_train)
        return Atlas(self.name, table, lists.codes, lists=lists)

    def flag(self, row: int) -> str:
        """What is doubtful about the crystal of a row; "" if nothing is known to be."""
        return str(self.table[FLAG].iat[int(row)]) if FLAG in self.table else ""

    @cached_property
    def centre(self) -> np.ndarray:
        """(latent_dim,) float32 mean of the latent vectors; with an index nearly, from its cells, to read none."""
        if self.lists is None:
            return self.z.mean(axis=0, dtype=np.float64).astype(np.float32)
        return np.average(self.lists.centres, axis=0, weights=np.diff(self.lists.start)).astype(np.float32)

    @cached_property
    def formulas(self) -> tuple[list[Formula | None], np.ndarray]:
        """The different compositions, None for what is no formula, and (N,) which of them each crystal has.

        Read once; a question is then asked of the few instead of all.
        """
        return distinct_formulas(self.table["formula"])

    @property
    def row_formulas(self) -> list[Formula | None]:
        """The composition of each crystal; None where the formula is not readable."""
        formulas, which = self.formulas
        return [formulas[k] for k in which.tolist()]

    @cached_property
    def directions(self) -> Directions:
        """Principal directions of the latent vectors."""
        return principal_directions(self.z)

    @cached_property
    def inverse(self) -> MapInverse:
        """The inverse of the map: latent vectors of UMAP coordinates."""
        return MapInverse(self.z, self.table[["x", "y"]].to_numpy(dtype=float))

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """Columns of the table that are properties: numbers with a fraction, some of them known."""
        # above_hull follows from the other crystals of the table, and is no property of the crystal alone
        columns = [str(name) for name in self.table.columns if name not in ("x", "y", ABOVE_HULL)]
        return tuple(n for n in columns if self.table[n].dtype.kind == "f" and self.table[n].notna().any())

    def structure(self, row: int) -> Structure | None:
        """The crystal of a row as it was given, in the primitive cell or another; None if the atlas keeps none.

        Raises
        ------
        DatasetError
            If the file of the crystals is damaged.
        ReadError
            If there is no such row.
        """
        try:
            place = range(len(self))[index(row)]
        except (TypeError, IndexError):
            rows = f"rows from 0 to {len(self) - 1}, which row(id) tells"
            raise ReadError(f"The atlas {self.name} has {rows}, not {str(row)[:60]!r}.") from None
        if self._stored is not None:
            return structure_of(self._stored.row(place))
        return None if self._kept is None else structure_of(self._kept.iloc[place].to_dict())

    @cached_property
    def _stored(self) -> StoredRows | None:
        if not isinstance(self._structures, Path):
            return None
        stored = StoredRows(self._structures)
        self._check_crystals(len(stored))
        return stored

    def _check_crystals(self, count: int) -> None:
        if count != len(self):
            raise DatasetError(f"The atlas {self.name} has {len(self)} rows but {count} crystals.")

    @cached_property
    def _kept(self) -> pd.DataFrame | None:
        kept = self._structures
        table = read_table(kept) if isinstance(kept, Path) else kept
        if table is not None:
            self._check_crystals(len(table))
        return table

    @cached_property
    def _names(self) -> np.ndarray:
        return self.table["material_id"].astype(str).to_numpy(dtype=object)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        names = self._names.tolist()
        return dict(zip(reversed(names), range(len(names) - 1, -1, -1), strict=True))

    @cached_property
    def _looked_up(self) -> dict[str, int | None]:
        return {}

    def _find(self, material_id: str) -> int | None:
        """The first row of an id; None if there is none.

        The first few ids are compared with all, since a dictionary of a million takes most of a second to make.
        """
        found = self._looked_up
        if material_id not in found:
            if len(found) >= _FEW_IDS:
                return self._row_of.get(material_id)
            rows = np.flatnonzero(self._names == material_id)
            found[material_id] = int(rows[0]) if len(rows) else None
        return found[material_id]

    @cached_property
    def _nearest(self) -> Nearest | InvertedLists:
        return Nearest(self.z) if self.lists is None else self.lists

    def holds(self, material_id: str) -> bool:
        """Whether a crystal has this id."""
        return self._find(str(material_id)) is not None

    def row(self, material_id: str) -> int:
        """Row of a material id.

        Raises
        ------
        ReadError
            If the atlas does not hold it.
        """
        row = self._find(str(material_id))
        if row is None:
            known = f"its ids are like {str(self.table['material_id'].iat[0])!r}"
            raise ReadError(f"The atlas {self.name} holds no material {str(material_id)[:60]!r}; {known}.")
        return row

    def neighbours(self, z: np.ndarray, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """The nearest crystals in latent space; a few of them may be missed in a large atlas that was read from files.

        Parameters
        ----------
        z
            (n, latent_dim) or (latent_dim,).

        Returns
        -------
        tuple
            Rows (n, k) and Euclidean distances (n, k), nearest first.
        """
        return self._nearest.query(as_vectors(z, self.z.shape[1], "this atlas").astype(np.float32), k)

    def place(self, z: np.ndarray) -> np.ndarray:
        """Map coordinates (n, 2) of latent vectors, at once.

        The mean of the nearest crystals' coordinates, each weighted by its closeness; neighbours that lie far from the
        nearest one on the map are left out, since between two islands of the map there is nothing.
        A known crystal's own latent vector falls where the crystal is. ``xcrystal atlas`` prints how far crystals that
        are left out of the neighbours fall from where UMAP put them.
        """
        rows, distances = self.neighbours(z, _PLACING_NEIGHBOURS)
        xy = self.inverse.places[rows]
        weight = 1 / np.maximum(distances, 1e-6) ** 2
        near = np.linalg.norm(xy - xy[:, :1], axis=2) <= self._reach
        weight = np.where(near, weight, 0.0)
        placed: np.ndarray = (xy * weight[..., None]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
        return placed

    @cached_property
    def _reach(self) -> float:
        return 0.1 * float(np.ptp(self.inverse.places, axis=0).max())

    def indexed(self, seed: int = 0) -> Atlas:
        """This atlas with an index, its rows in the order of the index."""
        lists, order = InvertedLists.of(self.z, seed)
        kept = None if self._kept is None else self._kept.iloc[order].reset_index(drop=True)
        table = self.table.iloc[order].reset_index(drop=True)
        return Atlas(self.name, table, lists.codes, self.facts, kept, lists)

    def save(self, folder: Path, half: bool = True) -> None:
        """Write its files, each atomically; latent vectors of 16 bits, or with ``half=False`` of 32.

        From ``LARGE`` crystals on it is written with an index, its rows in the order of that, and of 32 bits.
        """
        from pyarrow import Schema, Table

        from xcrystal.latent.atlas_writing import ROWS, writing_rows
        from xcrystal.model.checkpoint import write_text

        if self.lists is None and len(self) >= LARGE:
            self.indexed().save(folder)
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LISTS).unlink(missing_ok=True)  # an older index would look for these vectors elsewhere
        if self.facts:
            write_text(json.dumps(self.facts, indent=1) + "\n", folder / FACTS)
        if self.lists is not None:
            write_lists(folder / LISTS, self.lists.centres, self.lists.start, self.lists.squares)
        frames = {folder / TABLE: self.table} | ({} if self._kept is None else {folder / STRUCTURES: self._kept})
        tables = {path: Schema.from_pandas(frame, preserve_index=False) for path, frame in frames.items()}
        with writing_rows(folder / CODES, self.z.shape, half and self.lists is None, tables) as write:
            for start in range(0, len(self), ROWS):
                part = slice(start, start + ROWS)
                every = [Table.from_pandas(frames[path].iloc[part], tables[path], False) for path in tables]
                write(self.z[part], *every)


def atlas_folder(name: str | Path) -> Path:
    """The folder of a bundled model's atlas, or of a path.

    Raises
    ------
    DatasetError
        If there is no atlas.
    """
    for folder in (BUNDLED / str(name), Path(name)):
        if (folder / TABLE).is_file():
            return folder
    hint = ""
    if (Path(name) / "atlas" / TABLE).is_file():
        hint = f" There is one in {Path(name) / 'atlas'}."
    elif (Path(name) / "config.json").is_file():
        hint = f" It is a model: xcrystal atlas --model {name} --data FOLDER --out ATLAS makes one of your crystals."
    raise DatasetError(f"There is no atlas {str(name)!r}: neither bundled nor a folder with {TABLE}.{hint}")


def open_atlas(name: str | Path = "mp20") -> Atlas:
    """Open the atlas of a bundled model, or of a folder.

    Raises
    ------
    DatasetError
        If there is none, or it is damaged.
    """
    import pandas as pd

    folder = atlas_folder(name)
    try:
        check_packing(folder / TABLE)
        table = pd.read_parquet(folder / TABLE)
        z, lists = _codes(folder)
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8")) if (folder / FACTS).is_file() else {}
        missing = [column for column in ("material_id", "x", "y") if column not in table]
        if missing or z.ndim != 2 or not isinstance(facts, dict):
            raise ValueError(
                f"{TABLE} lacks {', '.join(missing)}" if missing else "latent vectors or facts are damaged"
            )
        _check_values(table)
        table = _with_hull(table, folder / HULL)
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"The atlas in {folder} cannot be read: {error}") from error
    structures = folder / STRUCTURES
    return Atlas(str(name), table, z, facts, structures if structures.is_file() else None, lists)


def _codes(folder: Path) -> tuple[np.ndarray, InvertedLists | None]:
    """Latent vectors (N, latent_dim) float32 of a folder, with an index mapped and not read, and the index.

    Raises
    ------
    ValueError
        If they are damaged, or the index is that of others.
    """
    from safetensors.numpy import load_file

    if (folder / LISTS).is_file():
        z, held = map_array(folder / CODES, "z"), load_file(folder / LISTS)
        if z.ndim != 2 or z.dtype != np.float32:
            raise ValueError("latent vectors with an index have 32 bits each")
        lists = InvertedLists(z, held["centres"], held["start"], held["squares"])
        _check_squares(map_array(folder / CODES, "z"), lists.squares)  # a map of its own, gone with its pages
        return z, lists
    z = load_file(folder / CODES)["z"].astype(np.float32)
    if not np.isfinite(z).all():
        raise ValueError("a latent vector is not finite")
    return z, None


def _check_squares(z: np.ndarray, squares: np.ndarray) -> None:
    """Refuse latent vectors (N, latent_dim) that are not finite, or have not these squared lengths (N,), which are.

    Raises
    ------
    ValueError
        If so.
    """
    for start in range(0, len(z), _PART):
        part = z[start : start + _PART]
        if not np.allclose(np.einsum("nz,nz->n", part, part), squares[start : start + _PART], rtol=1e-3, atol=1e-6):
            raise ValueError("the index is not that of the latent vectors, or one of them is not finite")


def _with_hull(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The table with what was calculated of it; one of other crystals is left out."""
    import pandas as pd

    if not file.is_file():
        return table
    try:
        check_packing(file)
        found = pd.read_parquet(file)
        if not np.array_equal(found["material_id"].to_numpy(), table["material_id"].to_numpy()):
            return table
        return table.assign(**{ABOVE_HULL: found[ABOVE_HULL].to_numpy(dtype="float32")})
    except Exception as error:  # noqa: BLE001  (whatever is wrong with it, the atlas is whole without it)
        reason = one_sentence(str(error))
        warnings.warn(
            f"{file} cannot be read and is left out; xcrystal atlas-hull makes it again: {reason}", stacklevel=3
        )
        return table


def _check_values(table: pd.DataFrame) -> None:
    """Refuse rows that cannot be put on a map.

    Raises
    ------
    ValueError
        With the reason.
    """
    if not len(table):
        raise ValueError(f"{TABLE} has no rows")
    for name in ("x", "y"):
        if table[name].dtype.kind not in "fiu" or not np.isfinite(table[name].to_numpy(dtype=float)).all():
            raise ValueError(f"its column {name} holds what is no finite number")
    if table["material_id"].isna().any():
        raise ValueError("a material_id is missing")
    if "space_group" in table:
        groups = table["space_group"]
        if groups.dtype.kind not in "fiu" or not groups.between(1, 230).all():
            raise ValueError("its space groups are not all numbers from 1 to 230")
