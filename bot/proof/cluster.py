"""A PostgreSQL server of one's own, for tests, kills and the bench: made in a temporary directory, gone afterwards.

PostgreSQL refuses to run as root, so as root it runs as the user `postgres`. It listens on a socket in its directory
only, and syncs like a real one unless it is told not to.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.errors import CommandError

_STARTS_S = 30.0
_CONFIG = "listen_addresses = ''\nshared_buffers = 128MB\nmax_connections = 200\nautovacuum_naptime = 30s\n"
#: For what is about rows and not about power cuts.
_NO_SYNC = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def _programs() -> Path:
    """Find the server's programs: on the path, or where Debian puts them, the newest first."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: -float(one.parent.parent.name))
    if not places:
        raise CommandError("PostgreSQL is not installed on this machine; apt-get install postgresql")
    return places[0].parent


def has_postgres() -> bool:
    """True when a server can be started here."""
    try:
        _programs()
    except CommandError:
        return False
    return importlib.util.find_spec("psycopg") is not None


class Cluster:
    """One server. `crash` kills it as a power cut would kill its processes; `start` brings it back."""

    def __init__(self, *, syncs: bool = True) -> None:
        self._programs = _programs()
        self.folder = Path(tempfile.mkdtemp(prefix="panah-pg-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self._server: subprocess.Popen[bytes] | None = None
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "panah", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="ascii") as file:
            file.write(_CONFIG + ("" if syncs else _NO_SYNC) + f"unix_socket_directories = '{self.folder}'\n")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self.folder / "log").open("ab")
        with log:
            command = [str(self._programs / "postgres"), "-D", str(self.folder / "data")]
            self._server = subprocess.Popen(  # noqa: S603 - the installed server
                command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **self._as
            )
        until = time.monotonic() + _STARTS_S
        while True:
            try:
                self.execute("SELECT 1")
            except CommandError:
                if time.monotonic() > until or self._server.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def url(self, name: str) -> str:
        """Give the address of a database."""
        return f"postgresql://panah@/{name}?host={self.folder}"

    def execute(self, sql: str, *, database: str = "postgres") -> list[Any]:
        """Run one statement outside any transaction; give its rows.

        Raises:
            CommandError: the server does not answer, or refuses.
        """
        import psycopg  # noqa: PLC0415 - an extra

        try:
            with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
                cursor = connection.execute(sql.encode())
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise CommandError(f"PostgreSQL: {error}") from error

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database, a copy of another one; give its address."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def crash(self) -> None:
        """Kill every process of the server."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def stop_at_once(self) -> None:
        """Throw everybody out in the middle of what they do (an immediate shutdown)."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait()

    def restart_at_once(self) -> None:
        """Do so, and start again."""
        self.stop_at_once()
        self.start()

    def close(self) -> None:
        """Stop the server and remove everything."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - the installed server's own program
            [str(self._programs / program), *arguments], capture_output=True, check=False, cwd=self.folder, **self._as
        )
        if done.returncode:
            raise CommandError(f"{program}: {done.stderr.decode(errors='replace').strip()[-300:]}")
