"""The line to a model server: what is an address, encryption, and waiting for an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xcrystal as xc
from tests.served.serving import TOKEN, served_here
from xcrystal.errors import CheckpointError, TargetError
from xcrystal.generator import CrystalModel
from xcrystal.model_server.web import encryption
from xcrystal.served.connection import Connection, ServerGone
from xcrystal.served.served_model import ServedModel


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCRYSTAL_SERVER_TOKEN", TOKEN)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://127.0.0.1:8765/", "http://127.0.0.1:8765"),
        ("127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("localhost:8765", "http://localhost:8765"),
        ("[::1]:8765", "http://[::1]:8765"),
        (" https://one.example/model/ \n", "https://one.example/model"),
        ("HTTP://one.example", "HTTP://one.example"),
    ],
)
def test_an_address_has_a_scheme_or_a_port(address: str, url: str) -> None:
    assert Connection(address, TOKEN).address == url


WRONG = (
    *("localhost", "mp20", "ftp://127.0.0.1:1", "http://", "http://127.0.0.1:port", "http://127.0.0.1:0", " ", "/"),
    *("http://user@one.example:1", "http://one.example:1/?a", "http://two words:1", "http://[::1", ":8765"),
)


@pytest.mark.parametrize("wrong", [*WRONG, 8000, 0, False, 1.5, b"http://127.0.0.1:1", Path("host:1"), ["host:1"]])
def test_what_is_no_address_is_refused_in_one_sentence(wrong: Any) -> None:
    with pytest.raises(CheckpointError, match=r"is no address of a model server; one is http://127\.0\.0\.1:8765"):
        xc.load("mp20", server=wrong)


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_address_in_the_environment_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCRYSTAL_SERVER", wrong)
    with pytest.raises(CheckpointError, match=r"XCRYSTAL_SERVER: .* is no address of a model server"):
        xc.load("mp20")
    assert not isinstance(xc.load("toy", "cpu", server=""), ServedModel)


def test_none_and_nothing_are_the_model_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in (None, ""):
        monkeypatch.setenv("XCRYSTAL_SERVER", said or "")
        assert not isinstance(xc.load("toy", "cpu", server=said), ServedModel)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("http://[2001:db8::abcd]", ("2001:db8::abcd", 80)),
        ("https://[::1]", ("::1", 443)),
        ("http://one.example", ("one.example", 80)),
        ("[::1]:8765", ("::1", 8765)),
    ],
)
def test_the_port_is_that_of_the_address_or_the_scheme(
    address: str, place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(wanted: tuple[str, int], *_: Any) -> None:
        asked.append(wanted)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(ServerGone):
        Connection(address, TOKEN).about()
    assert asked == [place]


def test_no_password_is_told() -> None:
    with pytest.raises(CheckpointError, match=r"@one\.example:1' is no address") as caught:
        Connection("http://user:sec/r@t@one.example:1", TOKEN)
    assert "sec" not in str(caught.value)


def test_a_name_that_cannot_be_is_a_server_that_is_gone() -> None:
    with pytest.raises(ServerGone):
        Connection(f"http://{'a' * 70}.example:1", TOKEN).about()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that it has signed itself."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_over_https_the_answers_are_the_same(
    model: CrystalModel, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    z = np.random.default_rng(3).normal(size=(3, model.latent_dim))
    with served_here(model, encrypted=encryption(certificate)) as (address, _):
        with pytest.raises(CheckpointError, match=r"not trusted, self-signed certificate; SSL_CERT_FILE"):
            xc.load("mp20", server=address)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        own = xc.load("mp20", server=address)
        assert isinstance(own, ServedModel)
        for _ in range(2):  # also over a connection that was open
            found, there = own.predict(z), model.predict(z)
            assert all(np.allclose(found[name], there[name], atol=1e-4) for name in there)
        assert len(own.sample_latent(300)) == 300  # an answer of several records of TLS
        assert not own.gone
        assert own._opened is None
        with pytest.raises(CheckpointError, match="cannot be used: "):
            xc.load("mp20", server=address.replace("https", "http"))
    with (
        served_here(model) as (address, _),
        pytest.raises(CheckpointError, match=r"no connection in 2 sec|speak HTTPS"),
    ):
        xc.load("mp20", server=address.replace("http", "https"))


class Enough(Exception):
    pass


@pytest.mark.parametrize("encrypted", [False, True])
def test_while_it_waits_it_asks_whether_to_go_on(
    model: CrystalModel, certificate: Path, encrypted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS, too, where a socket has something to read long before there is an answer."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    go, steps = threading.Event(), [0]

    def on_step() -> None:
        steps[0] += 1
        if steps[0] == 3:
            raise Enough

    def answer(kind: object, items: list[Any], _: object) -> list[Any]:
        assert go.wait(60)
        return [np.zeros(model.latent_dim, np.float32)] * len(items)

    z = {"z": np.zeros((1, model.latent_dim), np.float32)}
    context = encryption(certificate) if encrypted else None
    with served_here(model, answer, encrypted=context) as (address, _):
        connection = Connection(address, TOKEN)
        with pytest.raises(Enough):
            connection.ask("sample", {}, z, on_step)
        with pytest.raises(ServerGone, match=r"no answer in 0\.6 seconds"):
            connection.ask("sample", {}, z, patience=0.6)
        assert not connection._idle, "an answer that nobody read would be taken for the next one"
        go.set()
        assert connection.ask("sample", {}, z, lambda: None)[1]["z"].shape == (1, model.latent_dim)
        assert len(connection._idle) == 1


@contextmanager
def told(*parts: bytes) -> Iterator[str]:
    """The address of what answers a request with such bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            line, _ = listening.accept()
            with line:
                line.recv(100_000)
                for part in parts:
                    line.sendall(part)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(20)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "closed connection without response"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1, 2]", "breaks off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n[1, 2]", "it is no model server"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", r"it is no model server \(status 502\)"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n{}", "it refuses the token"),
        (b'HTTP/1.1 404 No\r\nContent-Length: 34\r\n\r\n{"error":"ReadError","message":""}', "it is no model server"),
    ],
)
def test_what_is_no_answer_is_a_server_that_is_gone(said: bytes, reason: str) -> None:
    with told(said) as address, pytest.raises(ServerGone, match=reason):
        Connection(address, TOKEN).about()


def test_a_server_that_closes_each_connection_is_asked_again() -> None:
    said = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                line, _ = listening.accept()
                with line:
                    line.recv(100_000)
                    line.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        connection = Connection(f"http://127.0.0.1:{listening.getsockname()[1]}", TOKEN)
        assert [connection.about(), connection.about()] == [{}, {}]


@pytest.mark.parametrize(("token", "reason"), [("another", "refuses the token"), (TOKEN, "another model")])
def test_a_refusal_is_read_that_comes_before_a_large_request_was_sent(
    model: CrystalModel, token: str, reason: str
) -> None:
    with served_here(model) as (address, _):
        for _ in range(5):
            connection = Connection(address, token)
            connection.model = "another"
            with pytest.raises(ServerGone, match=reason):
                connection.ask("sample", {}, {"z": np.zeros((7_000_000,), np.uint8)})


def test_a_certificate_without_a_key_and_other_files_are_refused(certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "half.pem").write_bytes(certificate.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2])
    (tmp_path / "empty.pem").write_bytes(b"")
    for name in ("half.pem", "empty.pem", "nowhere.pem"):
        with pytest.raises(TargetError, match="no certificate with its key"):
            encryption(tmp_path / name)
    encryption(tmp_path / "half.pem", certificate)
