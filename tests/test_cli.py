"""The command line, run as a user runs it, on the bundled model and crystals of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure
from typer.testing import CliRunner, Result

import xcrystal
from tests.crystals import CRYSTALS
from xcrystal.cli.main import NOTEBOOK, app
from xcrystal.crystal.collections.tables import selection_half
from xcrystal.generator import model_folder
from xcrystal.reporting import plain

COMMANDS = (
    ["atlas-hull"],
    ["design"],
    ["page"],
    ["fork-server"],
    ["fit-design-prior"],
    ["fit-graph-networks"],
    ["fit-baseline"],
    ["fit-pair-distances"],
    ["fit-generator"],
    ["nbgrader"],
    ["lab"],
    ["model-server"],
    ["info"],
    ["encode"],
    ["sample"],
    ["train"],
    ["atlas"],
    ["fit-properties"],
    ["fit-prior"],
    ["fit-tasks"],
    ["evaluate", "reconstruction"],
    ["evaluate", "generation"],
    ["evaluate", "latent"],
    ["evaluate", "interpolation"],
    ["evaluate", "invariance"],
    ["evaluate", "properties"],
    ["evaluate", "classics"],
    ["evaluate", "splits"],
    ["evaluate", "directions"],
    ["evaluate", "steering"],
    ["evaluate", "proposals"],
    ["evaluate", "map"],
    ["evaluate", "gallery"],
    ["evaluate", "explanations"],
    ["evaluate", "counterfactuals"],
    ["benchmark"],
    ["counterfactuals"],
    ["decode-steps"],
    ["evaluate", "relaxation"],
    ["evaluate", "stability"],
    ["scale", "encode"],
    ["scale", "atlas"],
    ["scale", "reconstruct"],
    ["scale", "explain"],
    ["scale", "relax"],
    ["fit-references"],
    ["relax"],
    ["xrd"],
    ["identify"],
    ["evaluate", "diffraction"],
    ["evaluate", "signals"],
    ["evaluate", "neighbours"],
    ["fetch"],
    ["fit-corrector"],
    ["check-data"],
    ["concepts"],
    ["serve"],
    ["defects"],
    ["approximants"],
)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def rock_salt(cation: str = "Na", anion: str = "Cl", a: float = 5.69) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture(scope="module")
def cif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crystals") / "salt.cif"
    rock_salt().to(str(path))
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 32 rock salts to train on and 8 to validate with."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for i, cation in enumerate(["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr"]):
        for j, anion in enumerate(["O", "S", "Se", "F", "Cl"]):
            s = rock_salt(cation, anion, 4.2 + 0.2 * i + 0.15 * j).get_primitive_structure()
            cell = dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), s.lattice.parameters, strict=True))
            species, points = [site.specie.symbol for site in s], s.frac_coords.ravel()
            names = {"material_id": f"own-{len(rows)}", "formula": s.composition.reduced_formula}
            rows.append(names | cell | {"species": species, "frac_coords": points} | {"band_gap": float(j)})
    table = pd.DataFrame(rows)
    table.iloc[:32].to_parquet(folder / "train.parquet")
    table.iloc[32:].to_parquet(folder / "val.parquet")
    return folder


@pytest.mark.parametrize("words", [[], ["evaluate"], ["scale"], *COMMANDS], ids=" ".join)
def test_help(words: list[str]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_every_command_is_tested_for_help() -> None:
    assert {c.name or c.callback.__name__ for c in app.registered_commands} | {"evaluate", "scale"} == {
        w[0] for w in COMMANDS
    }


def test_version() -> None:
    assert run("--version").stdout.strip() == xcrystal.__version__


def test_info() -> None:
    found = json.loads(run("info", "--json").stdout)
    assert found["versions"]["xcrystal"] == xcrystal.__version__
    assert found["device"] in ("cpu", "cuda:0", "cuda", "mps", "mps:0")
    assert found["model"]["latent_dim"] == xcrystal.load("mp20").latent_dim
    assert found["versions"]["torch"] in run("info").stdout


def test_encode(cif: Path, tmp_path: Path) -> None:
    out = tmp_path / "codes.npz"
    result = run("encode", cif, "--json", "--out", out)
    assert result.exit_code == 0, result.output
    (record,) = json.loads(result.stdout)
    expected = xcrystal.load("mp20").encode(rock_salt())[0]
    np.testing.assert_allclose(record["z"], expected, rtol=1e-3, atol=1e-4)
    with np.load(out) as arrays:
        np.testing.assert_array_equal(arrays["z"], np.array([record["z"]], dtype=np.float32))
        assert list(arrays["files"]) == [str(cif)]
    assert list(tmp_path.iterdir()) == [out]


def test_encode_names_what_it_cannot_read_and_does_the_rest(cif: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.cif"
    noise.write_bytes(bytes(range(256)))
    result = run("encode", noise, cif, tmp_path / "missing.cif")
    assert result.exit_code == 1
    assert str(cif) in result.stdout
    assert "noise.cif" not in result.stdout
    complaints = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(complaints) == 2
    assert all(len(line) < 600 for line in complaints)
    records = json.loads(run("encode", noise, cif, "--json").stdout)
    assert [set(r) >= {"error"} for r in records] == [True, False]


def test_encode_tells_of_mirror_images(tmp_path: Path) -> None:
    quartz = CRYSTALS["quartz SiO2"].to_structure()
    image = Structure(quartz.lattice, quartz.species, -quartz.frac_coords)
    files = []
    for name, structure in (("one", quartz), ("other", image)):
        files.append(tmp_path / f"{name}.cif")
        structure.to(str(files[-1]))
    result = run("encode", *files, "--json")
    records = json.loads(result.stdout)
    assert sorted(r["mirror_image"] for r in records) == [False, True]
    np.testing.assert_allclose(records[0]["z"], records[1]["z"], rtol=1e-2, atol=1e-3)
    (said,) = [line for line in result.stderr.splitlines() if "mirror image" in line]
    assert records[[r["mirror_image"] for r in records].index(True)]["file"] in said


def test_encode_warns_of_an_element_never_seen_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "radium.cif"
    rock_salt("Ra", "O", 5.6).to(str(path))
    done = subprocess.run([sys.executable, "-m", "xcrystal", "encode", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: Ra")
    assert len(done.stderr.splitlines()) == 1


def test_defects(cif: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("defects", cif, "--kind", "vacancy", "--kind", "substitution", "--dopant", "K", "--folder", out)
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    assert {defect["name"] for defect in found["defects"]} == {"v_Cl", "v_Na", "K_Cl", "K_Na"}
    for defect in found["defects"]:
        assert defect["moved"] > 0 and defect["predicted"] != defect["before"]
        assert Structure.from_file(defect["file"]).composition.formula == defect["formula"]
    assert "v_Na" in run("defects", cif, "--kind", "vacancy", "--supercell", "2x1x1").stdout


def test_defects_names_files_that_fail_and_does_the_rest(cif: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.cif"
    broken.write_text("nothing")
    result = run("defects", broken, cif, "--kind", "vacancy", "--json")
    assert result.exit_code == 1
    assert "broken.cif" in result.stderr
    one, other = json.loads(result.stdout)
    assert one["error"] and len(other["defects"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--supercell", "two"], "not 'two'"),
        (["--supercell", "2x2"], "2x2x1"),
        (["--kind", "hole"], "no kind of defect 'hole'"),
        (["--kind", "substitution"], "need other elements"),
    ],
)
def test_what_is_wrong_with_defects_is_said_in_one_line(words: list[str], said: str, cif: Path) -> None:
    result = run("defects", cif, *words)
    assert result.exit_code == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("xcrystal: ") and said in line


def test_approximants(cif: Path, tmp_path: Path) -> None:
    path = tmp_path / "mixed.cif"
    sites = [{"Na": 0.5, "K": 0.5}, "Cl"]
    Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.9), sites, [[0, 0, 0], [0.5, 0.5, 0.5]]).to(str(path))
    result = run("approximants", path, cif, "-n", 3, "--max-atoms", 8, "--folder", tmp_path / "out", "--json")
    assert result.exit_code == 1
    mixed, ordered = json.loads(result.stdout)
    assert "ordered already" in ordered["error"] and "ordered already" in result.stderr
    assert len(mixed["cells"]) == 3 and mixed["problem"] == ""
    energies = [cell["predicted"]["formation_energy_per_atom"] for cell in mixed["cells"]]
    assert mixed["spread"]["formation_energy_per_atom"]["mean"] == pytest.approx(np.mean(energies))
    for cell in mixed["cells"]:
        assert Structure.from_file(cell["file"]).composition.reduced_formula == cell["formula"] == "KNaCl2"
    assert "standard deviation" in run("approximants", path, "-n", 2, "--max-atoms", 8).stdout


def test_approximants_that_cannot_be_encoded_are_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "glass.cif"
    points = np.random.default_rng(0).permutation(125)[:26]
    frac = np.stack(np.unravel_index(points, (5, 5, 5)), axis=1) / 5 + 0.02 * np.arange(26)[:, None] / 26
    Structure(Lattice.cubic(12.0), [{"Na": 0.5, "K": 0.5}, *["Cl"] * 25], frac).to(str(path))
    result = run("approximants", path, "-n", 2, "--tolerance", 0.5)
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.strip().splitlines()
    assert "None of the 2 ordered cells can be encoded: This crystal has " in line
    assert "symmetry-distinct sites" in line


def test_counterfactuals(tmp_path: Path) -> None:
    rutile = Structure.from_spacegroup(
        "P4_2/mnm", Lattice.tetragonal(4.59, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
    )
    path = tmp_path / "rutile.cif"
    rutile.to(str(path))
    result = run("counterfactuals", path, "--outcome", "metal", "--most", 3, "--out", tmp_path / "found", "--json")
    assert result.exit_code == 0, result.output
    records = json.loads(result.stdout)
    assert [r["beyond_error"] for r in records] == [True] * 3 + [False] * 3
    assert all(r["after"] < r["before"] for r in records)
    assert sorted(r["file"] for r in records) == sorted(map(str, (tmp_path / "found").iterdir()))
    assert records[0]["formula"] in run("counterfactuals", path, "--outcome", "metal").stdout
    wrong = run("counterfactuals", path, "--outcome", "gas")
    assert wrong.exit_code == 1 and "no outcome 'gas'" in wrong.stderr


def test_decode_steps(tmp_path: Path) -> None:
    path = tmp_path / "salt.cif"
    rock_salt().to(str(path))
    shown = run("decode-steps", path, "--overrule", "element of orbit 1=K", "--why", "space group")
    assert shown.exit_code == 0, shown.output
    assert "K (overruled)" in shown.stdout and "all other directions" in shown.stdout
    found = json.loads(run("decode-steps", "mp-22862", "--json", "--out", tmp_path / "out.cif").stdout)
    assert found["formula"] == "NaCl" and found["steps"][0]["taken"] == "225 (Fm-3m)"
    assert (tmp_path / "out.cif").is_file()
    for wrong, said in (("K", "overruled as 'element of orbit 1=Ca'"), ("space group=999", "no space group '999'")):
        result = run("decode-steps", path, "--overrule", wrong)
        assert result.exit_code == 1 and said in result.stderr
    turned = run("decode-steps", path, "--overrule", "element of orbit 2=Br", "--overrule", "element of orbit 1=K")
    assert turned.exit_code == 1 and "in the order of the decode" in turned.stderr
    assert "no crystal of this id" in run("decode-steps", "mp-0").stderr


def test_sample(tmp_path: Path) -> None:
    result = run("sample", "-n", 5, "--seed", 3, "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    records = json.loads(result.stdout)
    expected = xcrystal.load("mp20").sample(5, seed=3)
    assert [r["formula"] for r in records] == [s.composition.reduced_formula for s in expected]
    assert sorted(r["file"] for r in records) == sorted(map(str, tmp_path.iterdir()))
    for record, structure in zip(records, expected, strict=True):
        np.testing.assert_allclose(
            Structure.from_dict(record["structure"]).frac_coords, structure.frac_coords, atol=1e-6
        )
        text = Path(record["file"]).read_text()
        assert "_cell_length_a" in text
        assert text.count("\n") > len(structure)


def test_a_sample_says_which_model_and_family_made_it(tmp_path: Path) -> None:
    assert run("sample", "-n", 1, "--family", "vae", "--out", tmp_path).exit_code == 0
    (file,) = tmp_path.iterdir()
    assert "output of the model mp20, family vae" in file.read_text()
    refused = run("sample", "-n", 1, "--family", "diffusion", "--model", model_folder("mp20"))
    assert refused.exit_code == 1
    assert "has a network of its own" in refused.output


def test_train_atlas_and_use(dataset: Path, cif: Path, tmp_path: Path) -> None:
    """The way of one's own data, from tables to a model that loads; minutes are too few for it to learn anything."""
    run_folder, best = tmp_path / "run", tmp_path / "run" / "best"
    result = run("train", "--data", dataset, "--out", run_folder, "--minutes", 0.02, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert (run_folder / "metrics.jsonl").read_text().count("\n") >= 1
    again = run("train", "--data", dataset, "--out", run_folder, "--minutes", 0.02)
    assert again.exit_code == 1  # never over another run
    assert "resume" in again.stderr

    result = run("atlas", "--model", best, "--data", dataset, "--out", best, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["crystals"], found["skipped"]) == (32, 0)
    assert np.isfinite(found["placing_90"])
    atlas = xcrystal.atlas(best)
    assert len(atlas.table) == 32
    assert np.isfinite(atlas.table[["x", "y"]].to_numpy()).all()
    assert run("encode", cif, "--model", best).exit_code == 0


def test_an_atlas_of_files_of_ones_own(tmp_path: Path) -> None:
    for k, cation in enumerate(["Li", "Na", "K"]):
        rock_salt(cation, a=5.1 + 0.5 * k).to(str(tmp_path / f"{cation}.cif"))
    (tmp_path / "broken.cif").write_text("data_broken")
    result = run("atlas", "--data", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "too few for UMAP" in result.stdout
    assert "1 crystals were left out" in result.stderr
    assert "broken" in (tmp_path / "out" / "skipped.csv").read_text()
    assert list(xcrystal.atlas(tmp_path / "out").table["material_id"]) == ["K", "Li", "Na"]


def test_tables_are_checked_for_doubtful_crystals(dataset: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(dataset / "train.parquet")
    table.iloc[:2].assign(material_id=["again", "far"], e_above_hull=[0.0, 2.0]).to_parquet(tmp_path / "more.parquet")
    words = ("check-data", dataset / "train.parquet", tmp_path / "more.parquet")
    found = json.loads(run(*words, "--json", "--out", tmp_path / "flags.csv").stdout)
    assert set(found["train.parquet"].values()) == {0}
    assert (found["more.parquet"]["same structure as"], found["more.parquet"]["far above the hull"]) == (2, 1)
    written = pd.read_csv(tmp_path / "flags.csv").set_index("material_id")["flag"]
    assert written.to_dict() == {
        "again": "same structure as own-0",
        "far": "far above the hull; same structure as own-1",
    }
    assert "same structure as" in run(*words).stdout


def test_train_splits_by_itself_and_says_how_good_it_is(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copyfile(dataset / "train.parquet", tmp_path / "data" / "train.parquet")
    words = ("--data", tmp_path / "data", "--out", tmp_path / "run", "--minutes", 0.01)
    result = run("train", "--recipe", "toy", *words)
    assert result.exit_code == 0, result.output
    told = dict(line.split() for line in result.stdout.splitlines())
    assert 0 <= float(told["match_rate"]) <= 1
    held_out = pd.read_parquet(tmp_path / "run" / "split" / "val.parquet")
    assert len(held_out) == 3 and told["half"] == "report"
    assert int(told["crystals"]) == int((~selection_half(held_out.species)).sum())


def test_train_is_stopped_by_hand_in_one_line(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xcrystal.training.recipes.run_recipe", stopped)
    result = run("train", "--data", dataset, "--out", tmp_path)
    assert result.exit_code == 130
    assert "nothing to resume" in result.stderr
    (tmp_path / "checkpoint.json").touch()
    result = run("train", "--data", dataset, "--out", tmp_path)
    assert result.stderr.splitlines() == [f"xcrystal: Stopped; --resume goes on with the run in {tmp_path}."]


def test_every_command_is_stopped_by_hand_in_one_line(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xcrystal.latent.building.build_atlas", stopped)
    result = run("atlas", "--data", dataset, "--out", tmp_path / "atlas")
    assert result.exit_code == 130
    assert result.stderr.startswith("xcrystal: Stopped;") and result.stderr.count("\n") == 1


def test_evaluate_reconstruction(dataset: Path) -> None:
    words = ("evaluate", "reconstruction", "--data", dataset / "val.parquet", "--workers", 1)
    found = json.loads(run(*words, "--json").stdout)
    assert found["crystals"] == 8
    assert 0 <= found["match_rate"] <= 1
    assert "match rate" in run(*words, "--limit", 2, "--seed", 1).stdout


def test_evaluate_generation(dataset: Path, cif: Path, tmp_path: Path) -> None:
    sets = ("--reference", dataset / "val.parquet", "--train", dataset / "train.parquet", "--workers", 1)
    result = run("evaluate", "generation", "-n", 5, *sets, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["samples"]["crystals"], found["reference"]["crystals"], found["training"]["crystals"]) == (5, 8, 32)
    assert found["samples"]["shares"]["unique_novel_valid"]["total"] == 5
    assert found["samples"]["shares"]["not_most_probable"]["total"] == 5
    plainly = json.loads(run("evaluate", "generation", "-n", 5, "--effort", "fast", "--workers", 1, "--json").stdout)
    assert plainly["samples"]["shares"]["not_most_probable"]["count"] == 0
    page = tmp_path / "report.html"
    of_own = run("evaluate", "generation", "--samples", cif.parent, "--workers", 1, "--report", page)
    assert str(cif.parent) in page.read_text(encoding="utf-8")
    nowhere = run("evaluate", "generation", "--samples", cif.parent, "--report", tmp_path / "none" / "report.html")
    assert nowhere.exit_code == 1 and "There is no folder" in nowhere.stderr
    assert of_own.exit_code == 0, of_own.output
    assert "SMACT" in of_own.stdout
    assert "without a reference" in of_own.stdout
    both = run("evaluate", "generation", "--samples", cif.parent, "--model", "mp20")
    assert both.exit_code == 1
    assert "not both" in both.stderr


def test_evaluate_latent(dataset: Path) -> None:
    words = ("evaluate", "latent", "--data", dataset / "val.parquet", "--workers", 1)
    found = json.loads(run(*words, "--json").stdout)
    assert found["crystals"] == 8
    assert found["match_rate_shuffled"] <= found["match_rate"]
    assert "active dimensions" in run(*words, "--limit", 2, "--effort", "fast").stdout


def test_evaluate_interpolation(dataset: Path, tmp_path: Path) -> None:
    words = ("evaluate", "interpolation", "--steps", 3, "--workers", 1)
    found = json.loads(run(*words, "--data", dataset / "val.parquet", "--paths", 2, "--json").stdout)
    assert (found["paths"], found["steps"], list(found["kinds"])) == (2, 3, ["linear", "spherical", "flow"])
    for name in ("Na", "K"):
        rock_salt(name).to(str(tmp_path / f"{name}.cif"))
    result = run(*words, "--data", tmp_path)
    assert result.exit_code == 0, result.output
    assert "1 of 3 frames" in result.stdout


def test_evaluate_invariance(dataset: Path) -> None:
    result = run("evaluate", "invariance", "--data", dataset / "val.parquet", "--limit", 2, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["crystals"] == 2


def test_fetch(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a client of the Materials Project that knows one crystal."""
    asked = []

    class MPRester:
        def __init__(self, key: str, **_: object) -> None:
            asked.append(key)
            self.materials = self.summary = self

        def __enter__(self) -> MPRester:
            return self

        def __exit__(self, *_: object) -> None: ...

        def search(
            self, fields: list[str], material_ids: list[str] | None = None, chemsys: list[str] | None = None
        ) -> list[dict[str, object]]:
            if material_ids is None:
                return [{"material_id": "mp-22862"} for system in chemsys or [] if system == "Cl-Na"]
            known = {"material_id": "mp-22862", "structure": rock_salt().as_dict(), "band_gap": 5.0}
            return [known for name in material_ids if name == "mp-22862" and "structure" in fields]

    monkeypatch.setitem(sys.modules, "mp_api", ModuleType("mp_api"))
    client = ModuleType("mp_api.client")
    client.MPRester = MPRester  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mp_api.client", client)
    (tmp_path / "ids.txt").write_text("mp-22862\nmvc-7\n")
    words = ("fetch", "--ids", tmp_path / "ids.txt", "--out", tmp_path / "salt.parquet")
    monkeypatch.delenv("MP_API_KEY", raising=False)
    without = run(*words)
    assert (without.exit_code, "MP_API_KEY" in without.stderr) == (1, True)
    result = run(*words, "--key", "mine")
    assert result.exit_code == 0, result.output
    assert "1 of 2 crystals" in result.stdout
    assert "mvc-7: not found" in result.stderr
    monkeypatch.setenv("MP_API_KEY", "of the environment")
    assert json.loads(run(*words, "--json").stdout)["missing"] == {"mvc-7": "not found"}
    assert asked == ["mine", "of the environment"]
    all_salts = run("fetch", "--system", "Na-Cl", "--out", tmp_path / "salts.parquet", "--json")
    assert json.loads(all_salts.stdout)["crystals"] == 1, all_salts.output
    assert "no crystals of K-Cl" in run("fetch", "--system", "K-Cl", "--out", tmp_path / "k.parquet").stderr
    table = pd.read_parquet(tmp_path / "salt.parquet")
    assert table["formula"].tolist() == ["NaCl"]
    assert set(table.columns) > set(pd.read_parquet(dataset / "val.parquet").columns)
    assert run("evaluate", "reconstruction", "--data", tmp_path / "salt.parquet", "--workers", 1).exit_code == 0


def test_fit_prior_says_which_file_it_wrote(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(Path(xcrystal.__file__).parent / "data" / "mp20", tmp_path / "model")
    words = ("fit-prior", "--data", dataset, "--model", tmp_path / "model", "--steps", 2)
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["steps"] == 2
    assert Path(found["file"]).parent == tmp_path / "model"
    assert run(*words).stdout.strip() == found["file"]


@pytest.mark.parametrize(
    "words",
    [
        ["sample"],
        ["train", "--data", ".", "--out", "out"],
        ["fit-prior", "--data", ".", "--model", "mp20"],
        ["fit-properties", "--data", ".", "--model", "mp20"],
        ["atlas", "--data", ".", "--out", "out"],
        ["evaluate", "reconstruction", "--data", "."],
        ["evaluate", "generation"],
        ["evaluate", "latent", "--data", "."],
        ["evaluate", "interpolation", "--data", "."],
        ["evaluate", "invariance", "--data", "."],
        ["evaluate", "properties", "--data", "."],
    ],
    ids=" ".join,
)
def test_seeds_are_not_negative(words: list[str]) -> None:
    result = run(*words, "--seed", -1)
    assert result.exit_code == 2
    assert "seed" in result.stderr


def test_fit_and_evaluate_properties(dataset: Path, tmp_path: Path) -> None:
    from xcrystal.generator import model_folder

    for name in ("config.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((model_folder("mp20") / name).read_bytes())
    result = run("fit-properties", "--model", tmp_path, "--data", dataset, "--json")
    assert result.exit_code == 0, result.output
    fitted = json.loads(result.stdout)["properties"]["band_gap"]
    words = ("evaluate", "properties", "--data", dataset / "val.parquet", "--model", tmp_path, "--workers", 1)
    found = json.loads(run(*words, "--json").stdout)
    assert 0 < found["crystals"] < len(pd.read_parquet(dataset / "val.parquet"))
    assert found["properties"]["band_gap"]["mae"] == pytest.approx(fitted["mae"], abs=1e-3)
    assert found["properties"]["band_gap"]["coverage"]["inside"] is not None
    assert "MAE of constants" in run(*words).stdout


def test_benchmark() -> None:
    found = json.loads(run("benchmark", "--repeats", 3, "--json").stdout)
    assert found["decode_ms"] > 0
    assert 0 < found["move_ms"] <= found["move_ms_95"]


@pytest.mark.parametrize(
    "words",
    [
        ["info", "--model", "no-such-model"],
        ["info", "--device", "no-such-device"],
        ["sample", "--model", "no-such-model"],
        ["train", "--data", "no-such-folder", "--out", "out"],
        ["train", "--data", "no-such-folder", "--out", "out", "--recipe", "no-such-recipe"],
        ["train", "--data", "no-such-folder", "--out", "no-such-run", "--recipe", "perov5", "--resume"],
        ["atlas", "--data", "no-such-folder", "--out", "out"],
        ["evaluate", "reconstruction", "--data", "no-such-file"],
        ["evaluate", "generation", "--samples", "no-such-file"],
        ["evaluate", "generation", "--reference", "no-such-file"],
        ["evaluate", "latent", "--data", "no-such-file"],
        ["fetch", "--ids", "no-such-file", "--out", "val.parquet", "--key", "mine"],
        ["evaluate", "interpolation", "--data", "no-such-file"],
        ["evaluate", "invariance", "--data", "no-such-file"],
        ["evaluate", "properties", "--data", "no-such-file"],
        ["fit-properties", "--model", "no-such-model", "--data", "no-such-folder"],
        ["fit-properties", "--model", "mp20", "--data", "no-such-folder"],
        ["sample", "-n", "1", "--out", "a-file"],
        ["encode", "salt.cif", "--out", "no-such-folder/codes.npz"],
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str], cif: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    Path("salt.cif").write_bytes(cif.read_bytes())
    result = run(*words)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    (line,) = [text for text in result.stderr.splitlines() if text.strip()]
    assert line.startswith("xcrystal: ")
    assert "no-such" in line or "a-file" in line


def test_lab_copies_the_notebook_once_and_starts_jupyterlab(tmp_path: Path) -> None:
    """JupyterLab itself is started by the browser tests; here it only tells its version."""
    command = [sys.executable, "-m", "xcrystal", "lab", "--folder", str(tmp_path / "mine"), "--version"]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()[0].isdigit()
    notebook = tmp_path / "mine" / NOTEBOOK
    assert json.loads(notebook.read_text())["nbformat"] == 4
    notebook.write_text("my own changes")
    assert subprocess.run(command, capture_output=True, env=environment).returncode == 0
    assert notebook.read_text() == "my own changes"
    assert len(list((tmp_path / "mine" / "exercises").glob("*.ipynb"))) >= 5


def test_plain_json() -> None:
    value = {"a": np.array([1.0, np.nan]), 2: (np.float32(0.5), np.int64(3)), "c": float("inf"), "d": [True, None]}
    assert plain(value) == {"a": [1.0, None], "2": [0.5, 3], "c": None, "d": [True, None]}
