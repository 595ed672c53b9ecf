"""The command that measures the model: what it wrote is of the shipped weights, and nobody has written over it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.crystals import CRYSTALS
from tests.markdown import ROOT, check_options
from xcrystal.generator import model_folder
from xcrystal.model.digests import weights_digest

MODEL = model_folder("mp20")


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "figures"))
    import model_report

    return model_report


def test_page_and_tables_are_those_of_the_reports(report: ModuleType) -> None:
    for file, text in report.written(report.OUT, MODEL):
        assert file.read_text(encoding="utf-8") == text, "run python docs/figures/model_report.py --data FOLDER"


def test_measuring_again_leaves_what_today_s_code_has_measured(
    report: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reports").mkdir()
    for name in ("val.parquet", "large_val.parquet", "train.parquet", "classics.parquet"):
        (tmp_path / name).write_text(name)
    model, measured = report.model_digest(MODEL), []
    chosen = {name: report.COMMANDS[name] for name in ("reconstruction", "large", "splits")}
    monkeypatch.setattr(report, "COMMANDS", chosen)
    for name, code in (("reconstruction", report.code_digest()), ("large", "older")):
        data = report.digest(path.read_bytes() for path in chosen[name].inputs(tmp_path, None))
        kept = report.Kept(chosen[name].words, weights_digest(MODEL), model, data, code, 1.0, {}, "")
        (tmp_path / "reports" / f"{name}.json").write_text(json.dumps(asdict(kept)))

    def measure(command: object, *_: object) -> object:
        measured.append(next(name for name, other in chosen.items() if other is command))
        return kept

    monkeypatch.setattr(report, "measure", measure)
    monkeypatch.setattr("sys.argv", ["model_report.py", "--data", str(tmp_path), "--out", str(tmp_path)])
    report.main()
    assert measured == ["large"]


def test_every_command_exists(report: ModuleType) -> None:
    commands = [*report.COMMANDS.values(), report.EXPLANATIONS]
    check_options("".join(f"```sh\nxcrystal {command.words}\n```\n" for command in commands))


def test_figures_and_table_are_of_one_run(report: ModuleType, tmp_path: Path) -> None:
    for name, crystal in CRYSTALS.items():
        crystal.to_structure().to(str(tmp_path / f"{name}.cif"))
    command = report.Command("", "evaluate reconstruction --data FOLDER --effort fast --workers 1", "")
    (tmp_path / "val.parquet").write_bytes(b"what a folder holds")
    kept = report.measure(command, "mp20", tmp_path)
    assert kept.figures["crystals"] == len(CRYSTALS)
    assert f"match rate                    {kept.figures['match_rate']:.1%}" in kept.table
    assert (kept.command, kept.weights) == (command.words, weights_digest(MODEL))
    assert (kept.model, kept.code) == (report.model_digest(MODEL), report.code_digest())
    assert kept.data == report.digest([b"what a folder holds"])
    assert json.loads(json.dumps(asdict(kept), allow_nan=False)) == asdict(kept)


def test_reports_of_another_model_command_or_data_are_not_taken(report: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    data = {name: tmp_path / name for name in ("val.parquet", "large_val.parquet")}
    for name, path in data.items():
        path.write_text(name)
    names = ("reconstruction", "reconstruction-fast", "large", "classics", "splits")

    def keep(name: str, **changes: str) -> None:
        content = [data["large_val.parquet" if name == "large" else "val.parquet"].read_bytes()]
        own = report.digest(content if name not in ("classics", "splits") else [])
        kept = report.Kept(report.COMMANDS[name].words, "weights", "model", own, "code", 1.0, {}, "")
        (tmp_path / "reports" / f"{name}.json").write_text(json.dumps(asdict(replace(kept, **changes))))

    for name in names:
        keep(name)
    assert tuple(report.kept_reports(tmp_path, "model")) == tuple(n for n in report.COMMANDS if n in names)
    assert set(report.kept_reports(tmp_path, "model", tmp_path)) == set(names)
    assert set(report.kept_reports(tmp_path, "refitted")) == {"splits"}, "which are not of this model"
    data["val.parquet"].write_text("other crystals")
    assert set(report.kept_reports(tmp_path, "model", tmp_path)) == {"large", "classics", "splits"}
    keep("large", command="evaluate reconstruction --limit 3")
    keep("classics", model="others")
    assert set(report.kept_reports(tmp_path, "model", tmp_path)) == {"splits"}
    run = tmp_path / "split-prototype"
    run.mkdir()
    for name in ("split-composition", "split-chemical-system", "split-prototype"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "result.json").write_text("{}")
    assert not report.kept_reports(tmp_path, "model", tmp_path, tmp_path), "these runs are others"


def test_what_measured_is_told_apart_but_not_by_its_comments(report: ModuleType, tmp_path: Path) -> None:
    for part in report.CODE:
        path = tmp_path / part if part.endswith(".py") else tmp_path / part / "module.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text('"""What it is."""\n\n\ndef one() -> int:\n    """Say one."""\n    return 1  # one\n')
    before, module = report.code_digest(tmp_path), tmp_path / "evaluation" / "module.py"
    module.write_text('"""Other words."""\ndef one() -> int:\n    return 1\n')
    assert report.code_digest(tmp_path) == before
    module.write_text('"""Other words."""\ndef one() -> int:\n    return 2\n')
    assert report.code_digest(tmp_path) != before


def test_a_report_of_other_code_says_so(report: ModuleType) -> None:
    one, other = (report.Kept("", "weights", "model", "", code, 60.0, {}, "") for code in ("older", "newer"))
    assert "Code: `newer`, `older`.\n" in report.page({"gallery": one, "classics": other})
    assert report.page({"gallery": one, "classics": other}).count("Code: `older`") == 1
    assert "Code: `older`.\n" in report.page({"gallery": one, "classics": one})


def test_only_what_is_between_markers_changes(report: ModuleType) -> None:
    figures = {"matched": 3, "encoded": 4}
    kept = {"gallery": report.Kept("", "", "", "", "", 0.0, figures, "")}
    text = "before <!-- figures:others -->old<!-- /figures --> after\n<!-- figures:speed --><!-- /figures -->"
    filled = report.fill(text, kept)
    assert filled.startswith("before <!-- figures:others -->\n\n|  |  |\n")
    assert "| 3 of 4 |\n\n<!-- /figures --> after\n" in filled
    assert filled.endswith("<!-- figures:speed -->*not measured yet: benchmark*<!-- /figures -->")
    assert "old" not in filled
    assert report.fill(filled, kept) == filled
    with pytest.raises(KeyError, match="no_such"):
        report.fill("<!-- figures:no_such --><!-- /figures -->", kept)


def test_a_page_holds_every_table_below_its_command(report: ModuleType) -> None:
    kept = {
        name: report.Kept(command.words, "digest", "", "", "", 60.0, {}, f"table of {name}")
        for name, command in report.COMMANDS.items()
    }
    page = report.page(kept)
    for name, command in report.COMMANDS.items():
        _, _, below = page.partition(f"xcrystal {command.words}\n```\n")
        assert below.partition("```text\n")[2].startswith(f"table of {name}\n```"), name
