"""``xcrystal serve``: the explorer as a page without code, for people who shall not see any."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from xcrystal.cli.shared import Device, Model
from xcrystal.errors import ReadError, TargetError
from xcrystal.explorer.visitors import environment

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PAGE = "explorer.ipynb"
_TEMPLATE = "xcrystal"
# what Voilà calls of MathJax, doing nothing; the comment is for what is added to an address
_NO_MATHJAX = (
    "data:text/javascript,window.MathJax={Hub:{Config(){},Configured(){},Queue(){},Register:{StartupHook(){}}}}//"
)
_NOT_NEEDED = ["xcrystal-lab", "jupyterlab_pygments", "@jupyter-notebook/lab-extension"]
_INDEX = """\
{%- extends 'voila/templates/lab/index.html.j2' -%}
{%- block notebook_css -%}
{{ super() | replace('rel="stylesheet" href="https://', 'rel="prefetch-not" href="https://') }}
<style>
  body { margin: 0; }
  #rendered_cells .jp-Cell, #rendered_cells .jp-OutputArea-output { padding: 0 4px; }
  .spinner-container { display: none; }
  #loading { height: 96vh; justify-content: flex-start; gap: 12px; padding: 8px; box-sizing: border-box; }
  #loading::after {
    content: ''; flex: 1; width: 100%;
    background: repeating-linear-gradient(90deg, rgba(128, 128, 128, 0.14) 0 calc(33.3% - 12px), transparent 0 33.3%);
  }
  #loading_text { font-size: 15px; font-weight: 400; margin: 0; }
</style>
{%- endblock notebook_css -%}
{%- block body_header -%}
{{ super() }}
<script>
  window.voila_process = () => undefined;
  document.getElementById('loading').setAttribute('role', 'status');
  document.getElementById('loading_text').textContent = 'Starting the Crystal Explorer …';
</script>
{%- endblock body_header -%}
"""


def serve(
    source: Annotated[str | None, typer.Argument(help="A crystal file, or a material id of the atlas.")] = None,
    model: Model = "mp20",
    device: Device = "auto",
    atlas: Annotated[str | None, typer.Option(help="An atlas' folder; by default the model's own.")] = None,
    session: Annotated[Path | None, typer.Option(help="A saved session to begin with.")] = None,
    mode: Annotated[str | None, typer.Option(help="beginner or researcher.")] = None,
    ip: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8866,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="XCRYSTAL_TOKEN",
            help="What the address carries; by default drawn anew. Who else is on this machine can see options, but "
            "not the environment.",
        ),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(file_okay=False, exists=True, help="A folder of crystals that visitors may open by their paths."),
    ] = None,
    idle: Annotated[
        float, typer.Option(min=0, help="Minutes without a click that end a visitor's kernel; 0: never.")
    ] = 120,
    visitors: Annotated[
        int, typer.Option(min=1, help="How many people may explore at the same time; another one is told to wait.")
    ] = 8,
    memory: Annotated[
        int,
        typer.Option(
            min=0, help="MB that what one of them does may take beside the open explorer (Linux); 0: no limit."
        ),
    ] = 1500,
    forked: Annotated[
        bool, typer.Option("--forked", help="Let kernels share the libraries, the weights and the atlas (Linux, CPU).")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Whether to open it here at once.")] = True,
) -> None:
    """Serve the explorer as a page without code (Voilà), here alone unless told otherwise, behind a token.

    Each visitor has a kernel of their own, so what one does is not seen by the others. They load crystals by ids of
    the atlas and by uploads; files of this machine are not open to them, but for those in --files. One more kernel
    than there are visitors waits for the next; each takes half a GB, with --forked 150 MB.
    """
    if any(word.partition("=")[0] == "--token" for word in sys.argv):
        typer.echo("xcrystal: a --token can be seen by all users of this machine; XCRYSTAL_TOKEN cannot.", err=True)
    from xcrystal.generator import model_folder

    if find_spec("voila") is None:
        raise TargetError("`xcrystal serve` needs Voilà: pip install 'xcrystal[serve]'.")
    if token is not None and not token.strip():
        raise TargetError("An empty token would let everybody in.")
    model_folder(model)  # says at once if there is none
    for file in (session, source if source and os.sep in source else None):
        if file is not None and not Path(file).exists():
            raise ReadError(f"There is no file {file}.")
    if source is not None and Path(source).exists():
        source = str(Path(source).resolve())
    if forked and device not in ("auto", "cpu"):
        raise TargetError("Kernels that share memory compute on the CPU: leave out --device.")
    arguments = {
        "model": _absolute(model),
        "device": None if device == "auto" else device,
        "atlas": None if atlas is None else _absolute(atlas),
        "session": None if session is None else str(session.resolve()),
        "mode": mode,
    }
    opened = [Path(path) for path in (source, session, files) if path is not None and Path(path).exists()]
    os.environ.update(environment(opened, memory))
    os.environ.pop("XCRYSTAL_TOKEN", None)  # kernels have no use for it
    from traitlets.config import Config

    from xcrystal.cli.voila_app import Served

    if ip not in _LOOPBACK:
        typer.echo(f"xcrystal: other machines can reach this at {ip}; who has the token can explore.", err=True)
    with tempfile.TemporaryDirectory(prefix="xcrystal-serve-") as folder:
        page = Path(folder) / _PAGE
        page.write_text(json.dumps(notebook(source, arguments)), encoding="utf-8")
        write_template(Path(folder))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("JUPYTER_PATH")]))
        with _kernels_of(Path(folder) / "kernels.sock", _absolute(model)) if forked else nullcontext():
            Served.launch_instance(
                options(page, ip, port or _free_port(ip), token, idle, visitors, browser),
                config=Config({"VoilaConfiguration": {"page_config_hook": without_network}}),
            )


@contextmanager
def _kernels_of(path: Path, model: str) -> Iterator[None]:
    """Have Jupyter ask a fork server at a socket for its kernels."""
    from xcrystal.kernels.fork_server import running
    from xcrystal.kernels.provisioner import environment as asking

    with running(path, model):
        os.environ.update(asking(path))
        yield


def notebook(source: str | None, arguments: dict[str, Any]) -> dict[str, Any]:
    """A notebook of one cell that shows the explorer; arguments that are None are left out."""
    given = [repr(source)] if source is not None else []
    given += [f"{name}={value!r}" for name, value in arguments.items() if value is not None]
    code = f"import xcrystal as xc\n\nxc.explore({', '.join(given)})"
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "explore",
        "metadata": {},
        "source": code,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "title": "Crystal Explorer"}
    return {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def options(page: Path, ip: str, port: int, token: str | None, idle: float, visitors: int, browser: bool) -> list[str]:
    """What Voilà is started with."""
    given = [
        str(page),
        f"--Voila.ip={ip}",
        f"--port={port}",
        "--token" if token is None else f"--token={token}",
        f"--Served.visitors={visitors}",
        "--show_tracebacks=False",
        f"--template={_TEMPLATE}",
        # a kernel that has drawn the explorer waits for the next visitor
        "--preheat_kernel=True",
        # the viewers of files need a JupyterLab around them
        f"--VoilaConfiguration.extension_denylist={_NOT_NEEDED}",
    ]
    if idle:
        given += [
            f"--MappingKernelManager.cull_idle_timeout={round(60 * idle)}",
            "--MappingKernelManager.cull_interval=60",
            "--MappingKernelManager.cull_connected=True",
        ]
    return given if browser else [*given, "--no-browser"]


def write_template(folder: Path) -> None:
    """Voilà's own page, but for what it asks of the network, and with an empty explorer until there is one.

    Its style sheets hold the icons already that it asks another host for.
    """
    place = folder / "voila" / "templates" / _TEMPLATE
    place.mkdir(parents=True)
    (place / "conf.json").write_text(json.dumps({"base_template": "lab"}), encoding="utf-8")
    (place / "index.html.j2").write_text(_INDEX, encoding="utf-8")


def without_network(page_config: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The configuration of a page that asks no other host for MathJax: there are no formulas in it to typeset."""
    return {**page_config, "fullMathjaxUrl": _NO_MATHJAX, "mathjaxConfig": ""}


def _free_port(ip: str) -> int:
    """Voilà would print the port 0 as its address."""
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        probe.bind((ip, 0))
        return int(probe.getsockname()[1])


def _absolute(name: str) -> str:
    """Folders as whole paths, since the page runs elsewhere; names of what is bundled as they are."""
    return str(Path(name).resolve()) if os.sep in name or Path(name).is_dir() else name
