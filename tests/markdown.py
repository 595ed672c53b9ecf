"""What Markdown shows is tried out: blocks of code, commands with their options, targets of make."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from tests.crystals import CRYSTALS
from xcrystal.cli import app

ROOT = Path(__file__).parents[1]


def blocks(text: str, language: str) -> list[str]:
    """The blocks of code in a language, as they stand."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def run_python(text: str, name: str, folder: Path) -> dict[str, object]:
    """Run all Python of a page, one block after another in one namespace, and give that back.

    The current folder has to be ``folder``; it is filled with CIF files of the test crystals.
    """
    for title, crystal in CRYSTALS.items():
        crystal.to_structure().to(str(folder / f"{title}.cif"))
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(text, "python"):
        exec(compile(block, name, "exec"), names)
    return names


def check_options(text: str) -> None:
    """Every ``xcrystal`` command in its shell blocks has the options that it is shown with."""
    for line in "\n".join(blocks(text, "sh")).splitlines():
        words = line.partition("#")[0].split()
        if words[:1] != ["xcrystal"]:
            continue
        command = words[1:3] if words[1] in ("evaluate", "scale") else words[1:2]
        done = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert done.exit_code == 0, line
        for option in (word for word in words if re.match("-[-a-zA-Z]", word)):  # neither -2 nor - alone
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", done.output), (line, option)


def check_make_targets(text: str) -> None:
    """Every ``make`` target that is named exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def check_scripts(text: str) -> None:
    """Every ``python -m MODULE`` and ``python FILE.py`` that is named exists."""
    for module in re.findall(r"python -m (tests\.[\w.]+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file(), module
    for path in re.findall(r"python (\S+\.py)", text):
        assert (ROOT / path).is_file(), path
