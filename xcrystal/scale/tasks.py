"""What can be done with each partition of a data set: a task makes a table of it, and says why rows are not in it.

A task is plain values, so that it can be sent to workers and kept in a manifest. Nothing that it gives depends on other
partitions, or on where it runs: torch has one thread everywhere.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xcrystal.crystal.collections.datasets import PREDICTED
from xcrystal.crystal.collections.tables import CELL, STRUCTURE_COLUMNS, row_of, structure_of
from xcrystal.crystal.geometry.motifs import MOTIFS
from xcrystal.errors import XCrystalError
from xcrystal.generator import CrystalModel, model_folder, open_model
from xcrystal.latent.atlas import FLAG

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pymatgen.core import Structure

    from xcrystal.crystal.collections.datasets import Dataset
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

CODE = "z"
"""The column of latent vectors."""
_NAMES = ["material_id", "formula", "source"]
_LEFT_OUT = b"left_out"


@dataclass(frozen=True)
class Task(ABC):
    """Something to do with crystals, one by one.

    Attributes
    ----------
    title
        What it is called.
    usual_size
        Of a partition: what is lost if a worker is killed is the time for so many crystals.
    """

    title: ClassVar[str]
    usual_size: ClassVar[int]

    @abstractmethod
    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Make a table of a partition.

        Returns
        -------
        tuple
            The table, and the reason for each row of ``dataset.table`` that is not in it. The table may lack columns of
            the schema that are known of none of its rows.
        """

    @abstractmethod
    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """The columns that all parts have of a data set with these properties, so that they can be read as one."""

    def manifest(self) -> dict[str, Any]:
        """What tells this task from others, as plain values; what is missing for it is said here.

        Raises
        ------
        XCrystalError
            If there is no such model, or an argument makes no sense.
        """
        return {"task": self.title, "arguments": asdict(self), "weights": self.digest}

    @property
    def digest(self) -> str:
        """What tells the weights of the model or potential from others; "" of a task without one."""
        return ""

    def figures(self, parts: Sequence[Path], skipped: int) -> dict[str, float]:
        """What is told of all crystals in the end, from the files of the partitions, read one after another."""
        return {}


@dataclass(frozen=True)
class ModelTask(Task):
    """A task for a model: a bundled one's name, or its folder, which all workers see."""

    model: str = "mp20"
    device: str = "cpu"

    def __post_init__(self) -> None:
        if Path(self.model).is_dir() and model_folder(self.model) == Path(self.model):
            object.__setattr__(self, "model", str(Path(self.model).resolve()))  # workers run elsewhere

    @property
    def opened(self) -> CrystalModel:
        """The model, loaded once in a process."""
        return _model(self.model, self.device)[0]

    @property
    def digest(self) -> str:
        """What tells the weights of the model from others."""
        return _model(self.model, self.device)[1]

    def _codes(self) -> dict[str, pa.DataType]:
        """The column of latent vectors."""
        import pyarrow as pa

        return {CODE: pa.list_(pa.float32(), self.opened.latent_dim)}


@lru_cache(maxsize=1)
def _model(name: str, device: str) -> tuple[CrystalModel, str]:
    opened = open_model(name, device)
    return opened, opened.digest


@dataclass(frozen=True)
class Encode(ModelTask):
    """Latent vectors, and the properties that the model predicts: columns ``z`` (float32) and ``predicted_...``."""

    title = "encode"
    usual_size = 5000

    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """Names, the properties that came with the crystals, those that are predicted, and latent vectors."""
        import pyarrow as pa

        predicted = dict.fromkeys((f"{PREDICTED}{name}" for name in self.opened.properties), pa.float32())
        return pa.schema(_names() | dict.fromkeys(properties, pa.float64()) | predicted | self._codes())

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Encode the crystals of a partition."""
        rows, crystals, failed = _canonical(dataset.table, self.opened)
        z = self.opened.encode_canonical(crystals)
        frame = dataset.table.iloc[rows][[*_NAMES, *dataset.properties]].reset_index(drop=True)
        predicted = self.opened.predict(z) if len(z) else dict.fromkeys(self.opened.properties, np.zeros(0))
        for name, values in predicted.items():
            frame[f"{PREDICTED}{name}"] = np.asarray(values, dtype=np.float32)
        return with_codes(frame, z), failed


@dataclass(frozen=True)
class MapRows(ModelTask):
    """The rows of an atlas, crystals and latent vectors, of which ``xcrystal.scale.atlas_assembly`` makes one."""

    title = "atlas"
    usual_size = 5000

    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """The columns of an atlas without places on the map, those of its crystals, and latent vectors."""
        import pyarrow as pa

        known = dict.fromkeys(properties, pa.float32()) | {"space_group": pa.int16(), FLAG: pa.string()}
        known |= dict.fromkeys(MOTIFS, pa.bool_())
        return pa.schema(_names() | known | _structure() | self._codes())

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Encode and label the crystals of a partition; one that repeats another one is flagged within it only."""
        from xcrystal.latent.building import chart_of

        rows, crystals, failed = _canonical(dataset.table, self.opened)
        z = self.opened.encode_canonical(crystals)
        kept = dataset.table.iloc[rows].reset_index(drop=True)
        chart = chart_of(kept, dataset.properties, crystals) if len(kept) else kept[["material_id", "formula"]]
        chart = chart if FLAG in chart else chart.assign(**{FLAG: ""})
        return with_codes(chart.assign(**{name: kept[name] for name in (*STRUCTURE_COLUMNS, "source")}), z), failed


@dataclass(frozen=True)
class Reconstruct(ModelTask):
    """Each crystal beside what comes back of it: the columns of ``xcrystal.evaluation.generative.reconstruction``."""

    effort: str = "normal"

    title = "reconstruct"
    usual_size = 500

    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """Names, and what is compared."""
        import pyarrow as pa

        numbers = dict.fromkeys(("rms", "rms_unscaled", "volume_error"), pa.float64())
        return pa.schema(_names() | numbers | dict.fromkeys(("same_composition", "same_space_group"), pa.bool_()))

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Reconstruct the crystals of a partition."""
        from xcrystal.evaluation.generative.reconstruction import Comparison, compare

        structures, crystals, failed = _prepared(dataset.table, self.opened)
        decoded = self.opened.decode(self.opened.encode_canonical(crystals), self.effort) if crystals else []
        names = [(str(name), row) for row, name in enumerate(dataset.table["material_id"]) if row in structures]
        found = [compare((name, structures[row], back)) for (name, row), back in zip(names, decoded, strict=True)]
        frame = dataset.table.iloc[[row for _, row in names]][_NAMES].reset_index(drop=True)
        for column in list(Comparison.__dataclass_fields__)[1:]:
            frame[column] = [getattr(one, column) for one in found]
        return table_of(frame), failed

    def figures(self, parts: Sequence[Path], skipped: int) -> dict[str, float]:
        """Rates over all crystals, of which those that were skipped are not matched, and the mean RMS of matches."""
        import pandas as pd

        totals = np.zeros(5)
        for path in parts:
            found = pd.read_parquet(path, columns=["rms", "same_composition", "same_space_group"])
            totals += (len(found), found["rms"].count(), found["rms"].sum(), *found.iloc[:, 1:].sum())
        crystals, matched = totals[0] + skipped, totals[1]
        if not crystals:
            return {}
        names = ("match_rate", "composition_rate", "space_group_rate")
        rates = dict(zip(names, (totals[[1, 3, 4]] / crystals).tolist(), strict=True))
        return rates | {"mean_rms": float(totals[2] / matched) if matched else float("nan")}


@dataclass(frozen=True)
class Explain(ModelTask):
    """An attribution of each crystal: see ``xcrystal.explanation.attribution.attribute`` for the arguments."""

    target: str = "formation_energy_per_atom"
    method: str | None = None
    level: str = "atoms"
    baseline: str | None = None
    seed: int = 0

    title = "explain"
    usual_size = 500

    def manifest(self) -> dict[str, Any]:
        """As for all tasks; a target, method or baseline that does not exist is said here."""
        from xcrystal.explanation.methods import check, usual_method
        from xcrystal.explanation.targets import of_one_crystal, target_of

        check(self.method or usual_method(self.level), self.level, self.baseline)
        if not of_one_crystal(self.target):
            target_of(self.opened, self.target, None, None)
        return super().manifest()

    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """Names, what is explained, and the scores with the names of what each is of."""
        import pyarrow as pa

        numbers = dict.fromkeys(("target_value", "baseline_value", "completeness_error"), pa.float64())
        scores = {"names": pa.list_(pa.string()), "scores": pa.list_(pa.float64()), "standard_error": pa.float64()}
        return pa.schema(_names() | dict.fromkeys(("target", "unit"), pa.string()) | numbers | scores)

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Explain what the model says of each crystal of a partition."""
        import pyarrow as pa

        from xcrystal.explanation.attribution import attribute

        arguments = (self.target, self.method, self.level, self.baseline, self.seed)
        structures, _, failed = _prepared(dataset.table, self.opened)
        found: list[dict[str, Any]] = []
        for row, structure in structures.items():
            try:
                one = attribute(self.opened, structure, *arguments)
            except XCrystalError as error:
                failed[row] = str(error)
                continue
            values = {"target": one.target, "unit": one.unit, "target_value": one.target_value}
            values |= {"baseline_value": one.baseline_value, "completeness_error": one.completeness_error}
            scores = {"names": one.names, "scores": one.scores.ravel().tolist(), "standard_error": one.standard_error}
            found.append(dict(dataset.table.iloc[row][_NAMES]) | values | scores)
        return pa.Table.from_pylist(found), failed


@dataclass(frozen=True)
class Relax(Task):
    """Crystals that are relaxed by a potential, and their energies: see ``xcrystal.energetics.relaxing.relax``."""

    potential: str = "chgnet"
    steps: int = 500
    fmax: float = 0.05
    cell: bool = True
    device: str = "cpu"

    title = "relax"
    usual_size = 20

    def manifest(self) -> dict[str, Any]:
        """As for all tasks; what is missing for the potential is said here."""
        from xcrystal.energetics.relaxing import relax

        relax([], potential=self.potential, steps=self.steps, fmax=self.fmax)  # which refuses odd numbers
        return super().manifest()

    @property
    def digest(self) -> str:
        """The package of the potential, which holds its weights, and its version."""
        from xcrystal.energetics.potentials import calculator, potential_of

        calculator(self.potential, self.device)  # says what is missing
        return potential_of(self.potential).version

    def schema(self, properties: Sequence[str]) -> pa.Schema:
        """The relaxed crystals, and what became of them."""
        import pyarrow as pa

        kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
        return pa.schema(_names() | _structure() | {name: kinds[kind] for name, kind in _OF_RELAXATIONS.items()})

    def run(self, dataset: Dataset) -> tuple[pa.Table, dict[int, str]]:
        """Relax the crystals of a partition."""
        import pyarrow as pa

        from xcrystal.energetics.relaxing import relax

        structures, failed = _structures(dataset.table)
        arguments: dict[str, Any] = asdict(self)
        every = relax(list(structures.values()), **arguments, progress=False)
        found: list[dict[str, Any]] = []
        for row, result in zip(structures, every, strict=True):
            if result.structure is None:
                failed[row] = result.error
                continue
            name, formula, source = dataset.table.iloc[row][_NAMES]
            told = {key: value for key, value in result.to_dict().items() if key in _OF_RELAXATIONS}
            found.append(row_of(result.structure, name) | {"formula": formula, "source": source} | told)
        return pa.Table.from_pylist(found), failed


_OF_RELAXATIONS: dict[str, type] = {
    "converged": bool,
    "steps": int,
    "energy_per_atom": float,
    "formation_energy_per_atom": float,
    "e_above_hull": float,
    "space_group_before": int,
    "space_group": int,
    "matches_start": bool,
    "rms": float,
    "volume_change": float,
}


def _names() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return dict.fromkeys(_NAMES, pa.string())


def _structure() -> dict[str, pa.DataType]:
    import pyarrow as pa

    lists = {"species": pa.list_(pa.string()), "frac_coords": pa.list_(pa.float64())}
    return dict.fromkeys(CELL, pa.float64()) | lists


def shaped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema; those that the table has not are not known, and what it has beyond them is counted."""
    import pyarrow as pa

    def column(field: pa.Field) -> Any:
        if field.name in table.column_names:
            return table.column(field.name).cast(field.type)
        return pa.nulls(len(table), field.type)

    known = {name: len(table) - table.column(name).null_count for name in {*table.column_names} - {*schema.names}}
    told = {_LEFT_OUT: json.dumps({name: known[name] for name in sorted(known) if known[name]})}
    return pa.table(
        [column(field) for field in schema], schema=schema.with_metadata(told if any(known.values()) else None)
    )


def left_out(part: Path) -> dict[str, int]:
    """The columns that ``shaped`` has left out of the file of a part, and of how many crystals they were known."""
    from pyarrow.parquet import read_metadata

    found: dict[str, int] = json.loads((read_metadata(part).metadata or {}).get(_LEFT_OUT, b"{}"))
    return found


def with_codes(frame: pd.DataFrame, z: np.ndarray) -> pa.Table:
    """A table with latent vectors (n, latent_dim) as its last column."""
    import pyarrow as pa

    values = pa.array(np.ascontiguousarray(z, dtype=np.float32).ravel())
    return table_of(frame).append_column(CODE, pa.FixedSizeListArray.from_arrays(values, z.shape[1]))


def codes_of(table: pa.Table) -> np.ndarray:
    """The latent vectors (n, latent_dim) float32 of a table."""
    column = table.column(CODE)
    values = [chunk.flatten().to_numpy() for chunk in column.chunks]
    return np.concatenate([np.zeros(0, dtype=np.float32), *values]).reshape(len(table), column.type.list_size)


def table_of(frame: pd.DataFrame) -> pa.Table:
    """A table without what pandas adds to it."""
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _canonical(table: pd.DataFrame, model: CrystalModel) -> tuple[list[int], list[WyckoffCrystal], dict[int, str]]:
    """Rows that can be encoded, their canonical forms, and why others cannot."""
    structures, crystals, failed = _prepared(table, model)
    return list(structures), crystals, failed


def _prepared(
    table: pd.DataFrame, model: CrystalModel
) -> tuple[dict[int, Structure], list[WyckoffCrystal], dict[int, str]]:
    """The structures that can be encoded, by row, their canonical forms, and why others cannot."""
    from xcrystal.evaluation.shared.encoding import prepare

    structures, crystals, failed = dict[int, "Structure"](), list["WyckoffCrystal"](), dict[int, str]()
    for row, record in enumerate(_records(table)):
        found = prepare(record, model.limits)
        if isinstance(found, str):
            failed[row] = found
        else:
            structures[row] = found[0]
            crystals.append(found[1])
    return structures, crystals, failed


def _structures(table: pd.DataFrame) -> tuple[dict[int, Structure], dict[int, str]]:
    """The structures of a table by row, and why others are none."""
    from xcrystal.crystal.reading import check_structure

    found, failed = dict[int, "Structure"](), dict[int, str]()
    for row, record in enumerate(_records(table)):
        try:
            found[row] = check_structure(structure_of(record))
        except XCrystalError as error:
            failed[row] = str(error)
    return found, failed


def _records(table: pd.DataFrame) -> Iterable[dict[str, Any]]:
    records: list[dict[str, Any]] = table[list(STRUCTURE_COLUMNS)].to_dict("records")
    return records
