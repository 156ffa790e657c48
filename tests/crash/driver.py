"""The provider of the crash tests: sends updates, redelivers what was not acknowledged, keeps its own ledger.

The ledger is the truth: what was acknowledged, and every message that came out. Panah's own tables are only counted
against it afterwards.
"""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

DOOR = Path(__file__).with_name("door.py")
ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Provider:
    """One bot's server: citizens' updates on one side, our messages on the other."""

    directory: Path
    acknowledged: dict[int, str] = field(default_factory=dict)
    sent: list[dict[str, str]] = field(default_factory=list)
    deaths: int = 0

    def __post_init__(self) -> None:
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.ledger_port = self._listener.getsockname()[1]
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._keep_ledger, daemon=True).start()

    def _keep_ledger(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                line = stream.readline()
                if line:
                    self.sent.append(json.loads(line))
                    try:
                        stream.write(f"{len(self.sent)}\n".encode())
                        stream.flush()
                    except OSError:
                        continue

    def start(self, fault: str = "") -> None:
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, str(DOOR), str(self.directory), str(self.port), str(self.ledger_port), fault]
        with (self.directory / "door.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
        for _ in range(600):
            if ready.exists() and self._answers():
                return
            if self._process.poll() is not None:
                return  # died at start, at a crash point of the start itself
            time.sleep(0.02)
        raise TimeoutError

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
        except OSError:
            return False
        return True

    @property
    def is_dead(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def wait_for_death(self) -> None:
        assert self._process is not None
        self._process.wait(30)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def update(self, person: int, text: str) -> tuple[int, bytes]:
        self._number += 1
        chat = {"id": person, "type": "private", "first_name": "x"}
        message = {"message_id": self._number, "from": {**chat, "is_bot": False}, "chat": chat, "date": 1, "text": text}
        return self._number, json.dumps({"update_id": self._number, "message": message}).encode()

    def deliver(self, number: int, raw: bytes, text: str) -> bool:
        """Try once; an answer of 200 is written in the ledger."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/hook", data=raw, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if answer.status == 200:
                    self.acknowledged[number] = text
                    return True
        except urllib.error.HTTPError as refused:
            refused.close()
        except OSError:
            return False
        return False

    def deliver_until_acknowledged(self, person: int, text: str, fault: str = "") -> None:
        """Deliver as a provider does: again and again, restarting a dead process without the fault."""
        number, raw = self.update(person, text)
        for _ in range(200):
            if self.deliver(number, raw, text):
                return
            time.sleep(0.05)  # a killed process takes a moment to be gone
            if self.is_dead:
                self.deaths += 1
                self.start(fault)
        raise AssertionError("never acknowledged; the door's log ends: " + self.log_tail())

    def log_tail(self) -> str:
        return (self.directory / "door.log").read_text(encoding="utf-8")[-3000:]

    def settle(self, seconds: float = 20.0) -> None:
        """Wait until nothing waits in the inbox or the outbox, restarting what died."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.is_dead:
                self.deaths += 1
                self.start()
            waiting = self.rows(
                "SELECT (SELECT count(*) FROM inbox WHERE state = 'waiting')"
                " + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending'))"
            )[0][0]
            if waiting == 0:
                return
            time.sleep(0.05)
        raise TimeoutError

    def rows(self, sql: str) -> list[tuple]:
        with sqlite3.connect(f"file:{self.directory}/panah.db?mode=ro", uri=True) as connection:
            found = connection.execute(sql).fetchall()
        connection.close()
        return found

    def copies(self) -> Counter[str]:
        """Count how often each message came out, by its key."""
        return Counter(line["key"] for line in self.sent)

    def close(self) -> None:
        self.stop()
        self._listener.close()
