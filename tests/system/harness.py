"""A whole Panah as its users meet it: `panah run` as a process of its own, on free ports and an empty data directory."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Panah:
    """One running installation."""

    def __init__(self, var: Path, *, program: tuple[str, ...] = ("-m", "bot", "run"), **settings: str) -> None:
        self.web = f"http://127.0.0.1:{free_port()}"
        self.console = f"http://127.0.0.1:{free_port()}"
        self.var = var
        self.settings = settings
        self._log = var.parent / "panah.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        self._environment = {
            **environment,
            "PYTHONPATH": str(ROOT),
            "PANAH_VAR": str(var),
            "PANAH_WEB_PORT": self.web.rsplit(":", 1)[1],
            "PANAH_CONSOLE_PORT": self.console.rsplit(":", 1)[1],
            **settings,
        }
        self._program = program
        self.process: subprocess.Popen[bytes] | None = None

    def set(self, **settings: str) -> None:
        """Add settings that need the addresses, before the start."""
        self.settings |= settings
        self._environment |= settings

    def start(self, wait_s: float = 60.0) -> "Panah":
        with self._log.open("ab") as log:
            command = [sys.executable, *self._program]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(self.log)
            if _answers(self.web) and _answers(self.console):  # the links are printed before the ports open
                return self
            time.sleep(0.05)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def database(self) -> str:
        """Give the address of its database on PostgreSQL; empty where it has a file of its own."""
        return self.settings.get("PANAH_DATABASE", "")

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Give all that its database keeps, by file or by table."""
        if not self.database:
            yield from ((file.name, file.read_bytes()) for file in self.var.glob("panah.db*"))
            return
        with psycopg.connect(self.database) as connection:
            tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
            assert {"inbox", "messages", "outbox"} <= set(tables)
            for table in tables:
                with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as lines:
                    yield table, b"".join(lines)

    @property
    def first_link(self) -> str:
        """Give the one-time link that makes the first account."""
        found = re.findall(r"http://\S+/first/\S+", self.log)
        assert found, self.log
        return found[-1]

    def command(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run another verb on the same installation."""
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
