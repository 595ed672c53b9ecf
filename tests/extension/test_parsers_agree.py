"""The parsers and scenes of the extension make of files what pymatgen and the explorer make of them."""

from __future__ import annotations

import json
import runpy
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.cif import CifWriter
from pymatgen.io.vasp import Poscar

from tests.crystal.file_kinds import (
    CAESIUM_CHLORIDE,
    KINDS,
    LABELLED,
    LABELS,
    NO_GROUPS,
    SYMBOLS,
    TYPED,
    TYPES,
    by_symbol,
    cif,
)
from tests.crystals import CRYSTALS
from tests.extension.reading import read_folder
from tests.extension.scenes import assert_same_scene
from tests.extension.styles import STYLES
from xcrystal.crystal.elements import MAX_Z
from xcrystal.crystal.reading import parse_structure
from xcrystal.explorer.drawing.scene import build_scene


def _decodes() -> dict[str, Structure]:
    """Crystals that the bundled model makes of random latents: of no symmetry that a parser could rely on."""
    import xcrystal

    model = xcrystal.load()
    rng = np.random.default_rng(5)
    latents = rng.standard_normal((6, model.latent_dim)).astype(np.float32)
    return {f"decode {k}": crystal for k, crystal in enumerate(model.decode(latents))}


def _structures() -> dict[str, Structure]:
    found = {name: crystal.to_structure() for name, crystal in CRYSTALS.items()}
    salt, perovskite = found["rock salt NaCl"], found["perovskite SrTiO3"]
    perovskite = perovskite.copy()
    perovskite.add_oxidation_state_by_element({"Sr": 2, "Ti": 4, "O": -2})
    mixed = Structure(Lattice.cubic(5.6), [{"Na": 0.7, "K": 0.3}, {"Cl": 0.6}], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return {
        **found,
        **_decodes(),
        "supercell": salt * (3, 2, 2),
        "oxidation states": perovskite,
        "disordered": mixed,
        "outside of the cell": Structure(Lattice.cubic(4), ["Cs", "Cl"], [[-0.3, 1.2, 7.1], [0.2, 0.7, -0.4]]),
        "a single atom": Structure(Lattice.cubic(2.7), ["Fe"], [[0.25, 0.25, 0.25]]),
        "oxygen": Structure(Lattice.cubic(5), ["O", "O"], [[0, 0, 0], [0, 0, 0.24]]),
        "all elements": Structure(
            Lattice.cubic(20),
            list(range(1, MAX_Z + 1)),
            [[k % 5 / 5, k // 5 % 5 / 5, k // 25 / 5] for k in range(MAX_Z)],
        ),
    }


def _ase(structure: Structure, path: Path, fmt: str) -> None:
    AseAtomsAdaptor.get_atoms(structure).write(path, format=fmt)


WRITERS: dict[str, Callable[[Structure, Path], Any]] = {
    "plain.cif": lambda s, path: CifWriter(s).write_file(path),
    "symmetric.cif": lambda s, path: CifWriter(s, symprec=0.01).write_file(path),
    "refined.cif": lambda s, path: CifWriter(s, symprec=0.01, refine_struct=True).write_file(path),
    "ase.cif": lambda s, path: _ase(s, path, "cif"),
    "direct.vasp": lambda s, path: Poscar(s, sort_structure=True).write_file(path),
    "cartesian.poscar": lambda s, path: path.write_text(Poscar(s, sort_structure=True).get_str(direct=False)),
    "POSCAR": lambda s, path: _ase(s, path, "vasp"),
    "frames.extxyz": lambda s, path: _ase(s, path, "extxyz"),
    "ase.xsf": lambda s, path: _ase(s, path, "xsf"),
    "structure.json": lambda s, path: path.write_text(json.dumps(s.as_dict())),
    "list.json": lambda s, path: path.write_text(json.dumps([{"structure": s.as_dict()}] * 2)),
}
KEEPS_SHARING = ("plain.cif", "symmetric.cif", "structure.json", "list.json")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Structure], dict[str, Any]]:
    """By file name what was written, as Python reads it again, and what the extension makes of it."""
    folder = tmp_path_factory.mktemp("files")
    written = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, structure in _structures().items():
            for kind, write in WRITERS.items():
                if not structure.is_ordered and kind not in KEEPS_SHARING:
                    continue
                path = folder / f"{name} {kind}"
                write(structure, path)
                written[path.name] = _read_again(path)
            if structure.is_ordered:
                rounded = CifWriter(structure, symprec=0.01, refine_struct=True, significant_figures=4)
                rounded.write_file(folder / f"{name} rounded.cif")
        for name, text in STYLES.items():
            (folder / name).write_text(text, encoding="utf-8")
            written[name] = Structure.from_file(folder / name, occupancy_tolerance=1.05)
    return written, read_folder(folder)


def _read_again(path: Path) -> Structure:
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        return Structure.from_dict(content[0]["structure"] if isinstance(content, list) else content)
    if path.suffix == ".extxyz":
        from ase.io import read

        return AseAtomsAdaptor.get_structure(read(path, format="extxyz"))
    if path.suffix in (".cif", ".xsf"):
        return Structure.from_file(path)
    return Structure.from_str(path.read_text(), fmt="poscar")


def test_every_file_is_read(files: tuple[dict[str, Structure], dict[str, Any]]) -> None:
    written, found = files
    assert len(written) > 200
    assert {name: frames for name in written if isinstance(frames := found[name], dict)} == {}
    assert {len(frames) for name, frames in found.items() if name.endswith("list.json")} == {2}


def test_formulas_and_cells_are_those_of_pymatgen(files: tuple[dict[str, Structure], dict[str, Any]]) -> None:
    written, found = files
    for name, structure in written.items():
        (crystal, *_) = found[name]
        assert crystal["formula"] == structure.composition.remove_charges().reduced_formula, name
        assert len(crystal["sites"]) == len(structure), name
        amounts = structure.composition.remove_charges().get_el_amt_dict()
        assert {e["symbol"]: e["count"] for e in crystal["elements"]} == pytest.approx(amounts), name
        cell = Lattice(crystal["lattice"])
        np.testing.assert_allclose(cell.parameters, structure.lattice.parameters, atol=1e-5, err_msg=name)


def test_atoms_are_where_pymatgen_has_them(files: tuple[dict[str, Structure], dict[str, Any]]) -> None:
    written, found = files
    for name, structure in written.items():
        (crystal, *_) = found[name]
        own = [_species(site["species"]) for site in crystal["sites"]]
        theirs = [
            _species([{"symbol": s.symbol, "occupancy": x} for s, x in site.species.items()]) for site in structure
        ]
        points = np.array([site["position"] for site in crystal["sites"]])
        distances = structure.lattice.get_all_distances(points, structure.frac_coords)
        for row, species in zip(distances, own, strict=True):
            near = int(np.argmin(row + 1e3 * np.array([other != species for other in theirs])))
            assert row[near] < 2e-3 and theirs[near] == species, name
        assert sorted(own) == sorted(theirs), name


def _species(kinds: list[dict[str, Any]]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((kind["symbol"], round(kind["occupancy"], 4)) for kind in kinds))


def test_scenes_are_those_of_the_explorer(files: tuple[dict[str, Structure], dict[str, Any]]) -> None:
    written, found = files
    compared = 0
    for name in written:
        (crystal, *_) = found[name]
        if any(len(site["species"]) > 1 or site["species"][0]["occupancy"] < 1 for site in crystal["sites"]):
            continue
        # of the very numbers that the extension read, as an atom at the edge of a rule may fall on either side
        structure = Structure(
            crystal["lattice"],
            [site["species"][0]["symbol"] for site in crystal["sites"]],
            [site["position"] for site in crystal["sites"]],
        )
        assert_same_scene(crystal["scene"], build_scene(structure), name)
        assert_same_scene(crystal["supercell"], build_scene(structure, repeat=(2, 1, 3)), name)
        compared += 1
    assert compared > 200


def test_rounded_coordinates_give_no_atom_twice(files: tuple[dict[str, Structure], dict[str, Any]]) -> None:
    """Four digits put images of an atom on a symmetry element beside each other; pymatgen keeps some of them."""
    written, found = files
    rounded = [name for name in found if name.endswith("rounded.cif")]
    assert len(rounded) > 20
    for name in rounded:
        exact = written[name.replace("rounded", "refined")]
        assert len(found[name][0]["sites"]) == len(exact), name
        assert found[name][0]["formula"] == exact.composition.reduced_formula, name


@pytest.mark.filterwarnings("ignore::xcrystal.errors.ReadingWarning")
def test_kinds_of_files_are_one_crystal_to_both(tmp_path: Path) -> None:
    """Spellings of symmetry, of elements and of numbers: what each file is, is tested with Python's parsers."""
    contents = {f"{name.replace('/', '')} {kind.name}": kind.content for name, kind in KINDS.items()}
    contents |= {f"symbol {k}.cif": by_symbol(symbol)[0] for k, symbol in enumerate(SYMBOLS)}
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    found = read_folder(tmp_path)
    assert len(contents) > 40
    for name, content in contents.items():
        structure = parse_structure(content.encode(), name)
        assert isinstance(found[name], list), found[name]
        sites = found[name][0]["sites"]
        assert len(sites) == len(structure), name
        distances = structure.lattice.get_all_distances([site["position"] for site in sites], structure.frac_coords)
        for site, row in zip(sites, distances, strict=True):
            assert row.min() < 1e-3, name
            there = structure[int(row.argmin())].species.remove_charges().get_el_amt_dict()
            assert {one["symbol"]: one["occupancy"] for one in site["species"]} == pytest.approx(there), name


def test_operations_that_are_no_group_are_refused_by_both(tmp_path: Path) -> None:
    for name, (symmetry, cell, _) in NO_GROUPS.items():
        (tmp_path / f"{name}.cif").write_text(cif(CAESIUM_CHLORIDE, symmetry, cell), encoding="utf-8")
    found = read_folder(tmp_path)
    assert len(found) == len(NO_GROUPS)
    for name, (_, _, reason) in NO_GROUPS.items():
        assert reason.replace("its cell", "the cell") in found[f"{name}.cif"]["message"]


def test_types_and_labels_are_the_same_elements_to_both(tmp_path: Path) -> None:
    """Files of one such atom and a hydrogen: one that Python refuses has an unknown atom, or none, in the viewer."""
    elements = {}
    for columns, known in ((TYPED, TYPES), (LABELLED, LABELS)):
        for k, (text, element) in enumerate(known.items()):
            name = f"{len(columns)} {k}.cif"
            rest = " 1" if columns is TYPED else ""
            own = f"Q1 '{text}'" if columns is TYPED else f"'{text}'"
            hydrogen = "H1 H" if columns is TYPED else "H1"
            sites = f"{own} 0 0 0{rest}\n{hydrogen} .5 .5 .5{rest}"
            (tmp_path / name).write_text(cif(sites, columns=columns), encoding="utf-8")
            elements[name] = element
    found = read_folder(tmp_path)
    for name, element in elements.items():
        first, *more = [site["species"][0]["symbol"] for site in found[name][0]["sites"]]
        assert (first if more else "") in ((element,) if element else ("", "X")), (tmp_path / name).read_text()


def test_the_table_of_settings_is_what_the_script_writes() -> None:
    tools = Path(__file__).parents[2] / "tools" / "build_settings.py"
    script = runpy.run_path(str(tools))
    assert script["SETTINGS"].read_text(encoding="utf-8") == script["settings_text"](), f"run python {tools}"


def test_molecules_and_frames(tmp_path: Path) -> None:
    water = Molecule(["O", "H", "H"], [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])
    water.to(str(tmp_path / "water.xyz"), fmt="xyz")
    (tmp_path / "water.json").write_text(json.dumps(water.as_dict()))
    atoms = AseAtomsAdaptor.get_atoms(water)
    atoms.write(tmp_path / "ase.xyz", format="xyz")
    from ase.io import write

    write(tmp_path / "frames.xyz", [atoms, atoms, atoms], format="extxyz")
    write(tmp_path / "molecule.xsf", atoms, format="xsf")
    salt = AseAtomsAdaptor.get_atoms(CRYSTALS["rock salt NaCl"].to_structure())
    write(tmp_path / "steps.xsf", [salt, salt], format="xsf")
    found = read_folder(tmp_path)
    assert {name: len(frames) for name, frames in found.items()} == {
        "water.xyz": 1, "water.json": 1, "ase.xyz": 1, "frames.xyz": 3, "molecule.xsf": 1, "steps.xsf": 2
    }  # fmt: skip
    for name, frames in found.items():
        for frame in frames:
            assert frame["periodic"] == (name == "steps.xsf")
            assert frame["formula"] == ("NaCl" if frame["periodic"] else "H2O")
            if not frame["periodic"]:
                assert len(frame["scene"]["bondRadii"]) == 4 and frame["scene"]["edges"] == []


def test_large_files_are_read_and_drawn_in_linear_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for count in (1_000, 20_000):
        side = 2.8 * count ** (1 / 3)
        rows = "\n".join(" ".join(f"{x:.6f}" for x in row) for row in rng.random((count, 3)))
        cell = f"{side} 0 0\n0 {side} 0\n0 0 {side}"
        (tmp_path / f"{count}.vasp").write_text(f"random\n1.0\n{cell}\nSi\n{count}\nDirect\n{rows}\n")
    started = time.monotonic()
    found = read_folder(tmp_path)
    assert time.monotonic() - started < 60
    assert len(found["1000.vasp"][0]["sites"]) == 1_000 and len(found["20000.vasp"][0]["sites"]) == 20_000
