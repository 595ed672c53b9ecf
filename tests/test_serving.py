"""``xcrystal serve``: what Voilà is started with, and what is refused. The page: tests/browser/test_serve.py."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from xcrystal.cli.main import app
from xcrystal.cli.serve_command import notebook, options


@given(source=st.text(min_size=1), folder=st.text(min_size=1))
def test_names_stay_strings_in_the_page(source: str, folder: str) -> None:
    """Whatever a file is called, it is one string of one call."""
    page = notebook(source, {"model": folder, "atlas": None})
    nbformat.validate(nbformat.from_dict(page))
    _, call = ast.parse(page["cells"][0]["source"]).body
    assert isinstance(call, ast.Expr) and isinstance(call.value, ast.Call)
    assert [ast.literal_eval(value) for value in call.value.args] == [source]
    assert {k.arg: ast.literal_eval(k.value) for k in call.value.keywords} == {"model": folder}


def test_only_this_machine_and_only_with_a_token_by_default() -> None:
    given = options(Path("page.ipynb"), "127.0.0.1", 8866, None, 120, 8, True)
    assert "--Voila.ip=127.0.0.1" in given
    assert "--token" in given  # drawn anew
    assert "--no-browser" not in given
    assert "--MappingKernelManager.cull_idle_timeout=7200" in given
    given = options(Path("page.ipynb"), "127.0.0.1", 8866, "secret", 0, 3, False)
    assert {"--token=secret", "--no-browser", "--Served.visitors=3"} <= set(given)
    assert not any("cull" in option for option in given)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "nowhere"], "There is no model 'nowhere'"),
        (["--token", ""], "An empty token would let everybody in."),
        (["--session", "lost.json"], "There is no file lost.json."),
        (["folder/lost.cif"], "There is no file folder/lost.cif."),
    ],
)
def test_bad_input_is_said_before_anything_starts(words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["serve", *words])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert said in line
