"""Explorers share what they are given by name, and a cell that runs again closes what it has opened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

import xcrystal as xc
from xcrystal.explorer.opening import shared_atlas, shared_model
from xcrystal.generator import BUNDLED


def test_two_explorers_share_model_and_atlas() -> None:
    one, other = xc.explore(), xc.explore()
    assert one.session.model is other.session.model
    assert one.session.atlas is other.session.atlas
    assert one.session.sliders.descriptions is other.session.sliders.descriptions
    assert one.session.model is not xc.load("mp20")  # a user's own may be changed
    one.close()
    other.close()


def test_files_that_were_written_anew_are_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(BUNDLED / "mp20", folder)
    model, atlas = shared_model(str(folder)), shared_atlas(str(folder))
    assert shared_model(str(folder)) is model and shared_atlas(str(folder)) is atlas
    (folder / "config.json.1-2.part").write_text("of who writes there at the moment", encoding="utf-8")
    assert shared_model(str(folder)) is model
    config = folder / "config.json"
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert shared_model(str(folder)) is not model and shared_atlas(str(folder)) is not atlas


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager = KernelManager()
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_cell(client: BlockingKernelClient, cell: str, code: str) -> str:
    """Run a cell as JupyterLab does, which tells its name; what it prints."""
    message = client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True})
    message["metadata"] = {"cellId": cell} if cell else {}
    client.shell_channel.send(message)
    printed = ""
    while True:
        heard = client.get_iopub_msg(timeout=120)
        if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if heard["msg_type"] == "stream":
            printed += heard["content"]["text"]
        elif heard["msg_type"] == "error":
            raise AssertionError("\n".join(heard["content"]["traceback"]))
        elif heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
            return printed


def test_a_cell_that_runs_again_closes_what_it_has_opened(kernel: BlockingKernelClient) -> None:
    run_cell(kernel, "first", "import xcrystal as xc\nopened = []")
    two = "opened += [xc.explore(), xc.explore()]"
    alive = "print([explorer.comm is not None for explorer in opened])"
    run_cell(kernel, "first", two)
    assert run_cell(kernel, "other", alive) == "[True, True]\n"
    run_cell(kernel, "other", "opened.append(xc.explore())")
    run_cell(kernel, "first", two)
    assert run_cell(kernel, "third", alive) == "[False, False, True, True, True]\n"
    run_cell(kernel, "", two)  # a console says no cell
    run_cell(kernel, "", two)
    assert run_cell(kernel, "third", alive).count("True") == 7
