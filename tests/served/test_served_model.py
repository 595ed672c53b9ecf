"""A model that a server computes: the same answers as of a local one, and the local one where the server is gone."""

from __future__ import annotations

import http.client
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Structure

import xcrystal as xc
from tests.crystals import CRYSTALS
from tests.markdown import ROOT, blocks
from tests.served.serving import TOKEN, model_server, served_here
from xcrystal.crystal.reading import encodable, read_structure
from xcrystal.errors import CheckpointError, ReadError, ServerWarning, TargetError, XCrystalError
from xcrystal.explanation.batches import score_crystals
from xcrystal.generator import CrystalModel, open_model
from xcrystal.predicting import CHUNK
from xcrystal.served import served_model
from xcrystal.served.connection import Connection, ServerGone, mark_of
from xcrystal.served.served_model import ServedModel
from xcrystal.served.wire import write_records

STRUCTURES = [crystal.to_structure() for crystal in CRYSTALS.values()]


@pytest.fixture(scope="module", autouse=True)
def _token() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XCRYSTAL_SERVER_TOKEN", TOKEN)
        yield


@pytest.fixture(scope="module")
def address(_token: None) -> Iterator[str]:
    with model_server("--port", "0") as (found, _):
        yield found


@pytest.fixture(scope="module")
def served(address: str) -> ServedModel:
    found = xc.load("mp20", server=address)
    assert isinstance(found, ServedModel)
    return found


@pytest.fixture(autouse=True)
def _answered_by_the_server(served: ServedModel) -> Iterator[None]:
    """Or these tests would compare the local model with itself."""
    yield
    assert not served.gone
    assert served._opened is None


def same(one: Any, other: Any, tolerance: float = 2e-5) -> bool:
    """Whether two answers, arrays or dictionaries of arrays, are the same but for rounding in a batch."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    return one.dtype == other.dtype and np.allclose(one, other, rtol=tolerance, atol=tolerance)


def same_crystal(one: Structure, other: Structure) -> bool:
    """Whether two decoded crystals, and how sure the decoder was, are the same but for rounding in a batch."""
    return (
        one.species == other.species
        and one.site_properties["orbit"] == other.site_properties["orbit"]
        and all(one.properties[name] == other.properties[name] for name in ("space_group", "chosen"))
        and np.allclose(one.lattice.matrix, other.lattice.matrix, atol=1e-4)
        and np.allclose((one.frac_coords - other.frac_coords + 0.5) % 1, 0.5, atol=1e-4)
        and np.allclose(*(s.properties["space_group_probability"] for s in (one, other)), atol=1e-4)
        and np.allclose(*(s.site_properties["element_probability"] for s in (one, other)), atol=1e-4)
        and [[e for e, _ in orbit] for orbit in one.properties["likely_elements"]]
        == [[e for e, _ in orbit] for orbit in other.properties["likely_elements"]]
    )


def test_it_is_described_as_the_local_one(model: CrystalModel, served: ServedModel) -> None:
    for name in ("name", "latent_dim", "limits", "properties", "facts", "digest", "capabilities", "code"):
        assert getattr(served, name) == getattr(model, name)
    assert (served.has_prior, served.knows_intervals, served.calibrated) == (True, True, model.calibrated)


def test_it_encodes_as_the_local_one(model: CrystalModel, served: ServedModel) -> None:
    assert same(served.encode(STRUCTURES), model.encode(STRUCTURES))
    assert all(same(a, b) for a, b in zip(served.posterior(STRUCTURES), model.posterior(STRUCTURES), strict=True))
    assert served.encode([]).shape == (0, served.latent_dim)


@pytest.mark.parametrize(("effort", "group"), [("fast", None), ("normal", None), ("thorough", None), ("normal", 225)])
def test_it_decodes_as_the_local_one(model: CrystalModel, served: ServedModel, effort: str, group: int | None) -> None:
    z = model.encode(STRUCTURES[:6]) + 0.05
    for one, other in zip(served.decode(z, effort, group), model.decode(z, effort, group), strict=True):
        assert same_crystal(one, other)
        assert one.properties.keys() == other.properties.keys()


def test_it_predicts_as_the_local_one(model: CrystalModel, served: ServedModel) -> None:
    z = model.encode(STRUCTURES)
    assert same(served.predict(z), model.predict(z))
    for level in (0.5, 0.9):
        assert same(served.predict_interval(z, level), model.predict_interval(z, level))
    assert same(served.predict_nonzero(z), model.predict_nonzero(z))
    assert same(served.predict(z[:0]), model.predict(z[:0]))
    served.predict_nonzero(z)["band_gap"][:] = -1
    assert same(served.predict_nonzero(z), model.predict_nonzero(z)), "what was changed is the caller's"


COUNTS = (0, 1, CHUNK, CHUNK + 1)  # nothing, one, what one request may have, and one more
MANY = [list(CRYSTALS.values())[k % len(CRYSTALS)] for k in range(CHUNK + 1)]
ASKED: dict[str, Callable[[CrystalModel, int, np.ndarray], Any]] = {
    "encode_canonical": lambda m, n, z: m.encode_canonical(MANY[:n]),
    "posterior_canonical": lambda m, n, z: dict(enumerate(m.posterior_canonical(MANY[:n]))),
    "decode_arrays": lambda m, n, z: {str(k): d.crystal.lattice for k, d in enumerate(m.decode_arrays(z[:n], "fast"))},
    "predict": lambda m, n, z: m.predict(z[:n]),
    "predict_interval": lambda m, n, z: m.predict_interval(z[:n], 0.8),
    "predict_nonzero": lambda m, n, z: m.predict_nonzero(z[:n]),
    "sample_latent": lambda m, n, z: m.sample_latent(n, seed=2),
    "score_crystals": lambda m, n, z: scores(m, MANY[:n], "band_gap", "input_x_gradient"),
    "score_crystals, of one crystal each": lambda m, n, z: scores(m, MANY[: min(n, 40)], "space group", "saliency"),
    "score_crystals, pairs": lambda m, n, z: scores(m, MANY[: min(n, 33)], "latent 0", "shapley", "pairs"),
    "score_crystals, drawn": lambda m, n, z: scores(m, MANY[: min(n, 9)], "latent 0", baseline="real_elements"),
}


def scores(model: CrystalModel, *asked: Any, **named: Any) -> dict[str, np.ndarray]:
    """All arrays of ``score_crystals`` by a name of each."""
    found = score_crystals(model, *asked, **named)
    each = {f"{name} {k}": a for name in ("values", "standard_errors") for k, a in enumerate(getattr(found, name))}
    given = {name: array for name, array in each.items() if array is not None}
    return given | {"targets": found.target_values, "baselines": found.baseline_values}


@pytest.mark.parametrize("name", ASKED)
def test_answers_are_those_of_the_local_one_at_each_count(model: CrystalModel, served: ServedModel, name: str) -> None:
    z = np.random.default_rng(4).normal(0, 0.5, (CHUNK + 1, model.latent_dim)).astype(np.float32)
    for count in COUNTS:
        one, other = (ASKED[name](m, count, z) for m in (served, model))
        assert same(one, other, 1e-3), count


def test_what_a_served_model_overrides_has_the_same_signature() -> None:
    for name, own in vars(ServedModel).items():
        there = getattr(CrystalModel, name, None)
        if callable(own) and there is not None and name not in ("__init__", "__getattr__"):
            assert inspect.signature(own) == inspect.signature(there), name


def test_it_draws_as_the_local_one(model: CrystalModel, served: ServedModel) -> None:
    assert same(served.sample_latent(5, seed=3), model.sample_latent(5, seed=3))


@pytest.mark.parametrize(
    ("target", "method", "level"),
    [
        ("band_gap", None, "atoms"),
        ("formation_energy_per_atom", "gradient_shap", "orbits"),
        ("space group", "integrated_gradients", "elements"),
        ("element of orbit 1", "shapley", "orbits"),
        ("latent 3", None, "latent"),
    ],
)
def test_it_explains_as_the_local_one(
    model: CrystalModel, served: ServedModel, target: str, method: str | None, level: str
) -> None:
    one, other = (xc.explain(m, STRUCTURES[1], target, method, level) for m in (served, model))
    assert same(one.scores, other.scores, 1e-4)
    assert one.names == other.names
    assert one.target_value == pytest.approx(other.target_value, abs=1e-4)
    assert one.method_title == other.method_title


def test_scores_of_many_crystals_are_those_of_each_alone(model: CrystalModel, served: ServedModel) -> None:
    crystals = list(CRYSTALS.values())[:5]
    for method in ("shapley", "smoothgrad"):
        together = score_crystals(served, crystals, "band_gap", method)
        for k, crystal in enumerate(crystals):
            alone = score_crystals(model, [crystal], "band_gap", method)
            assert same(together.values[k], alone.values[0], 1e-4)
            assert together.names[k] == alone.names[0]


def test_a_request_gives_the_same_alone_and_among_those_of_others(
    model: CrystalModel, served: ServedModel, address: str
) -> None:
    """Many clients at once, each with its own connection, get what each gets alone."""
    z = model.encode(STRUCTURES)
    asked: list[Callable[[CrystalModel], Any]] = []
    for k in range(len(STRUCTURES)):
        asked += [
            lambda m, k=k: m.encode(STRUCTURES[k]),
            lambda m, k=k: m.predict(z[k]),
            lambda m, k=k: m.decode(z[k], "normal")[0],
        ]
    before = status(address)
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda ask: ask(served), asked))
    after = status(address)
    assert after["batches"] - before["batches"] < after["requests"] - before["requests"], "some were batched"
    for ask, answer in zip(asked, found, strict=True):
        alone = ask(model)
        assert same_crystal(answer, alone) if isinstance(alone, Structure) else same(answer, alone)


ONE_ORBIT = CRYSTALS["diamond C"]
LARGE = Structure(np.eye(3) * 9, ["Na"] * 27 + ["Cl"] * 27, np.random.default_rng(0).random((54, 3)))
TOO_LARGE = encodable(read_structure(LARGE), 1000, 1000).crystal


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: m.decode(np.zeros(3)),
        lambda m: m.decode(np.zeros(m.latent_dim), group=231),
        lambda m: m.decode(np.zeros(m.latent_dim), effort="none"),
        lambda m: m.predict(np.full(m.latent_dim, np.nan)),
        lambda m: m.predict_interval(np.zeros(m.latent_dim), 1.5),
        lambda m: m.encode(LARGE),
        lambda m: m.sample_latent(-1),
        lambda m: m.sample_latent(2.5),
        lambda m: score_crystals(m, [TOO_LARGE]),
        lambda m: score_crystals(m, [ONE_ORBIT, TOO_LARGE]),
        lambda m: score_crystals(m, [ONE_ORBIT], "colour"),
        lambda m: score_crystals(m, [ONE_ORBIT], "colour" * 50),
        lambda m: score_crystals(m, [ONE_ORBIT], "element of orbit 99"),
        lambda m: score_crystals(m, [ONE_ORBIT], "latent 999"),
        lambda m: score_crystals(m, [ONE_ORBIT], "space group 999"),
        lambda m: score_crystals(m, [ONE_ORBIT], method="none"),
        lambda m: score_crystals(m, [ONE_ORBIT], method="shapley", level="pairs"),
        lambda m: score_crystals(m, [ONE_ORBIT], method="occlusion"),
        lambda m: score_crystals(m, [ONE_ORBIT], seed=-1),
        lambda m: score_crystals(m, [ONE_ORBIT], seed=2**32),
        lambda m: score_crystals(m, [ONE_ORBIT], baseline="none"),
    ],
)
def test_what_a_user_does_wrong_is_said_as_by_the_local_one(
    model: CrystalModel, served: ServedModel, wrong: Callable[[CrystalModel], Any]
) -> None:
    """By the same class with the same words; that the server is not taken for gone then, a fixture holds."""
    with pytest.raises(XCrystalError) as said:
        wrong(model)
    with pytest.raises(type(said.value)) as served_said:
        wrong(served)
    assert str(served_said.value) == str(said.value)


def test_an_answer_that_refuses_is_raised_and_the_server_is_there(served: ServedModel) -> None:
    with pytest.raises(ReadError, match="it has no lattice"):
        served._ask("explain", {}, {"space_group": np.array([225])})
    with pytest.raises(TargetError, match="not complete"):
        served._ask("decode", {"effort": "fast"}, {"z": np.zeros((1, served.latent_dim))})


def test_what_a_busy_server_does_not_do_is_done_here_and_the_server_is_there(
    model: CrystalModel, served: ServedModel
) -> None:
    with served_here(model, waiting=0) as (address, batcher), warnings.catch_warnings():
        warnings.simplefilter("error")
        own = xc.load("mp20", "cpu", server=address)
        assert isinstance(own, ServedModel)
        assert same(own.encode(STRUCTURES[:2]), model.encode(STRUCTURES[:2]))
        assert (own.gone, batcher.requests) == ("", 0)
        assert own._opened is not None


def test_a_search_that_is_stopped_leaves_the_server_free(model: CrystalModel, served: ServedModel) -> None:
    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    z = model.sample_latent(64, seed=1)
    with pytest.raises(Enough):
        served.decode(z, "thorough", on_step=stop)
    began = time.monotonic()
    assert served.decode(z[0], "fast")
    assert time.monotonic() - began < 10


def test_a_client_needs_no_torch(address: str) -> None:
    code = (
        "import sys, xcrystal as xc\n"
        f"model = xc.load('mp20', server={address!r})\n"
        "explorer = xc.explore('mp-5986', model=model)\n"
        "explorer.session.move(0, 1.0)\n"
        "structure = explorer.session.display.structure\n"
        "model.encode(structure), model.sample_latent(2), xc.explain(model, structure)\n"
        "assert 'torch' not in sys.modules and model._opened is None\n"
        "explorer.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]


def test_gradients_are_those_of_the_weights_here(address: str) -> None:
    own = xc.load("mp20", "cpu", server=address)
    assert own.network.config.latent_dim == own.latent_dim
    assert own.device.type == "cpu"


def test_the_environment_names_a_server(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCRYSTAL_SERVER", address)
    assert isinstance(open_model("mp20"), ServedModel)
    assert not isinstance(open_model("toy", "cpu"), ServedModel), "which the server has not"
    assert not isinstance(open_model("mp20", "cpu", server=""), ServedModel)
    monkeypatch.setenv("XCRYSTAL_SERVER", f"http://127.0.0.1:{free_port()}")
    with pytest.warns(ServerWarning, match=r"cannot be used \(.*the model here is used"):
        assert not isinstance(open_model("mp20", "cpu"), ServedModel)


def test_other_models_and_wrong_tokens_are_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match=r"has the model 'mp20' with other weights .* than 'toy' has here"):
        xc.load("toy", server=address)
    with pytest.raises(CheckpointError, match="has the model 'mp20', not 'elsewhere'"):
        xc.load("elsewhere", server=address)
    with pytest.raises(CheckpointError, match="cannot be used: Connection refused"):
        xc.load("mp20", server=f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("XCRYSTAL_SERVER_TOKEN", "another")
    with pytest.raises(CheckpointError, match=r"refuses the token.*XCRYSTAL_SERVER_TOKEN"):
        xc.load("mp20", server=address)


def test_the_page_shows_what_works(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(TOKEN + "\n")
    (block,) = blocks((ROOT / "docs" / "how-to" / "model-server.md").read_text(encoding="utf-8"), "py")
    shown: dict[str, Any] = {}
    exec(block.replace("http://127.0.0.1:8765", address), shown)
    assert isinstance(shown["model"], ServedModel)


def raw(address: str, method: str, path: str, body: bytes = b"", token: str | None = TOKEN) -> tuple[int, bytes]:
    line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        line.request(method, path, body, {} if token is None else {"Authorization": f"token {token}"})
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def status(address: str) -> dict[str, Any]:
    """What a server says that it does."""
    found: dict[str, Any] = json.loads(raw(address, "GET", "/status")[1])
    return found


def test_only_health_is_told_without_the_token(address: str) -> None:
    assert raw(address, "GET", "/health", token=None) == (200, b'{"status": "ok"}')
    for method, path in (("GET", "/info"), ("GET", "/status"), ("POST", "/decode"), ("POST", "/explain")):
        for token in (None, "", "another"):
            status, said = raw(address, method, path, token=token)
            assert status == 403
            assert b"mp20" not in said


def test_nonsense_is_refused_in_one_sentence(address: str) -> None:
    status, said = raw(address, "POST", "/decode", b"nonsense")
    assert status == 400
    assert json.loads(said)["error"] == ReadError.__name__
    connection = Connection(address, TOKEN)
    many = {"z": np.zeros((300, 128), np.float32)}
    with pytest.raises(ValueError, match="at most 256 crystals, not 300"):
        connection.ask("decode", {"effort": "fast", "group": None}, many)
    with pytest.raises(TargetError, match="not complete"):
        connection.ask("decode", {"effort": "fast"}, {"z": many["z"][:1]})
    options = {"target": "colour", "method": "shapley", "level": "orbits", "baseline": "mean_element", "seed": 0}
    with pytest.raises(TargetError, match="no target 'colour'"):
        connection.ask("explain", options, write_records([next(iter(CRYSTALS.values()))])[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_killed_in_mid_use_the_model_here_goes_on_until_the_server_is_back(
    model: CrystalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(free_port())
    with model_server("--port", port) as (address, pid):
        own = xc.load("mp20", "cpu", server=address)
        explorer = xc.explore("mp-5986", model=own)
        session = explorer.session
        session.move(0, 0.5)
        assert session.message == ""
        os.kill(pid, signal.SIGKILL)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            for value in (0.6, 0.7, 0.8):
                session.move(0, value)
            assert same_crystal(*(m.decode(session.state.point.z)[0] for m in (own, model)))
        (one,) = [str(w.message) for w in said if w.category is ServerWarning]
        assert one.startswith(f"The model server at {address} is gone (") and one.endswith("the model here goes on.")
        assert session.message == one
        assert "here" in repr(own)
    monkeypatch.setattr(served_model, "AGAIN", 0.0)
    with model_server("--port", port) as (_, pid):
        session.move(0, 0.9)
        assert (own.gone, session.message) == ("", "")
        os.kill(pid, signal.SIGSTOP)  # it accepts connections, and answers none
        monkeypatch.setattr(own._connection, "_patience", 0.5)
        with pytest.warns(ServerWarning, match=r"no answer in 0.5 seconds|timed out"):
            session.move(0, 0.2)
        monkeypatch.setattr(served_model, "AGAIN", 30.0)
        os.kill(pid, signal.SIGCONT)
        explorer.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_has_connections_of_its_own(served: ServedModel, tmp_path: Path) -> None:
    served.encode(STRUCTURES[:1])  # one connection is open
    assert served._connection._idle
    child = os.fork()
    if child == 0:
        try:
            _, used = served._connection._line()
            (tmp_path / "told").write_text(str(used))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "told").read_text() == "False"
    line, used = served._connection._line()
    assert used
    served._connection._idle.append(line)


def test_answers_of_another_model_are_not_taken(served: ServedModel) -> None:
    other = Connection(served.address, TOKEN)
    other.model = mark_of({"digest": "of another", "fitted": {}})
    with pytest.raises(ServerGone, match="another model"):
        other.ask("sample", {}, {})


def test_who_has_no_token_sends_no_body(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 403")  # before a byte of the body


@pytest.mark.parametrize("token", ["of two\nlines", "naïve"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_told(token: str) -> None:
    with pytest.raises(CheckpointError, match="letters") as caught:
        Connection("http://127.0.0.1:1", token)
    assert token not in str(caught.value)


@pytest.mark.parametrize("seconds", ["inf", "nan", "-1", "soon"])
def test_a_patience_that_is_no_time_is_refused(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    monkeypatch.setenv("XCRYSTAL_SERVER_PATIENCE", seconds)
    with pytest.raises(CheckpointError, match=f"XCRYSTAL_SERVER_PATIENCE.*{seconds}"):
        xc.load("toy", server="http://127.0.0.1:1")
