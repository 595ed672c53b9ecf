"""``xcrystal model-server``: where its token comes from, and what is said of a user's mistakes."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.served.serving import model_server
from xcrystal.cli.main import app
from xcrystal.cli.model_server_command import _token


def said(*words: str, token: str | None = "secret") -> str:
    """The one line that a command with exit status 1 says."""
    result = CliRunner().invoke(app, ["model-server", *words], env={"XCRYSTAL_SERVER_TOKEN": token})
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    return line


def test_mistakes_are_said_in_one_line(tmp_path: Path) -> None:
    assert "needs a token: set XCRYSTAL_SERVER_TOKEN, or give a --token-file" in said(token=None)
    assert "needs a token" in said(token=" ")
    (tmp_path / "empty").write_text("\n")
    assert "holds no token" in said("--token-file", str(tmp_path / "empty"))
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    assert "only letters, digits and signs of ASCII" in said("--token-file", str(tmp_path / "binary"))
    assert "only letters, digits and signs of ASCII" in said(token="schlüssel")
    assert "A --key needs the --certificate" in said("--key", "k.pem")
    assert "no certificate with its key" in said("--certificate", str(tmp_path / "empty"))
    assert "There is no model 'nowhere'" in said("--model", "nowhere")
    assert "There is no device 'abacus' here" in said("--model", "toy", "--device", "abacus")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = said("--model", "toy", "--port", port)
    assert line.startswith(f"xcrystal: No server can listen at 127.0.0.1, port {port}: ")


@pytest.mark.skipif(sys.platform == "win32", reason="files have other permissions there")
def test_a_new_token_is_drawn_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = _token(file)
    assert len(token) >= 32
    assert _token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_ends_it() -> None:
    with model_server("--model", "toy", "--port", "0") as (_, pid):
        os.kill(pid, signal.SIGINT)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
