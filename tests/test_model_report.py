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
from xcrystal.model.checkpoint import weights_digest

MODEL = model_folder("mp20")


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "figures"))
    import model_report

    return model_report


def test_page_and_tables_are_those_of_the_reports(report: ModuleType) -> None:
    for file, text in report.written(report.OUT, MODEL):
        assert file.read_text(encoding="utf-8") == text, "run python docs/figures/model_report.py --data FOLDER"


def test_every_command_exists(report: ModuleType) -> None:
    commands = [*report.COMMANDS.values(), report.EXPLANATIONS]
    check_options("".join(f"```sh\nxcrystal {command.words}\n```\n" for command in commands))


def test_figures_and_table_are_of_one_run(report: ModuleType, tmp_path: Path) -> None:
    for name, crystal in CRYSTALS.items():
        crystal.to_structure().to(str(tmp_path / f"{name}.cif"))
    command = report.Command("", "evaluate reconstruction --data FOLDER --effort fast --workers 1", "")
    kept = report.measure(command, "mp20", tmp_path, "digest")
    assert kept.figures["crystals"] == len(CRYSTALS)
    assert f"match rate                    {kept.figures['match_rate']:.1%}" in kept.table
    assert (kept.command, kept.weights) == (command.words, "digest")
    assert json.loads(json.dumps(asdict(kept), allow_nan=False)) == asdict(kept)


def test_reports_of_other_weights_or_commands_are_made_again(report: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    names = list(report.COMMANDS)[:3]
    good = report.Kept("", weights_digest(MODEL), 1.0, {}, "")
    for name in names:
        words = report.COMMANDS[name].words if name != names[1] else "evaluate reconstruction --limit 3"
        kept = replace(good, command=words, weights=good.weights if name != names[2] else "others")
        (tmp_path / "reports" / f"{name}.json").write_text(json.dumps(asdict(kept)))
    assert list(report.kept_reports(tmp_path, good.weights)) == names[:1]


def test_only_what_is_between_markers_changes(report: ModuleType) -> None:
    figures = {"matched": 3, "encoded": 4}
    kept = {"gallery": report.Kept("", "", 0.0, figures, "")}
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
    kept = {name: report.Kept(c.words, "digest", 60.0, {}, f"table of {name}") for name, c in report.COMMANDS.items()}
    page = report.page(kept)
    for name, command in report.COMMANDS.items():
        _, _, below = page.partition(f"xcrystal {command.words}\n```\n")
        assert below.partition("```text\n")[2].startswith(f"table of {name}\n```"), name
