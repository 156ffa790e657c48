"""The command line as people use it: real processes on a data directory of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Cli:
    """Runs verbs on one installation."""

    home: Path

    @property
    def var(self) -> Path:
        return self.home / "var"

    def environment(self, **settings: str) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PANAH_")}
        ports = {"PANAH_WEB_PORT": "0", "PANAH_CONSOLE_PORT": "0"}
        return {**clean, **ports, "PYTHONPATH": str(ROOT), "PANAH_VAR": str(self.var), **settings}

    def __call__(self, *arguments: object, text: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", *map(str, arguments)]
        environment = self.environment(**settings)
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=text, capture_output=True, text=True, timeout=90, check=False
        )


@pytest.fixture
def panah() -> Iterator[Cli]:
    """Give a short path: the control socket's name must fit into 108 bytes."""
    home = Path(tempfile.mkdtemp(prefix="panah-"))
    yield Cli(home)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def first_home() -> Iterator[Path]:
    """Make an installation once, with few scripts, a flow admin and a reviewer; copy it, do not touch it."""
    home = Path(tempfile.mkdtemp(prefix="panah-"))
    made = Cli(home)
    flows = Path(shutil.copytree(ROOT / "tests" / "flowlang" / "fixtures", made.var / "flows"))
    talk = flows / "women_head.yaml"  # its cry is screened as T1 only by the engine's own tests
    talk.write_text(talk.read_text("utf-8").replace("می‌خوام خودمو بکشم", "قرص خوردم که بمیرم"), "utf-8")
    lines = flows / "helplines.yaml"
    lines.write_text(lines.read_text("utf-8").replace("2026-10-01", datetime.now(UTC).date().isoformat()), "utf-8")
    for name, role in (("sara", "flow_admin"), ("mina", "reviewer")):
        assert made("staff", "add", name, "--role", role).returncode == 0
    yield home
    shutil.rmtree(home)


@pytest.fixture
def installed(panah: Cli, first_home: Path) -> Cli:
    """Give an installation with a flow admin «sara» and a reviewer «mina»."""
    shutil.copytree(first_home / "var", panah.var)
    return panah


@pytest.fixture
def verb(
    panah: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a verb in this process: the same code without the second that a start takes."""

    def run(*wanted: object, **settings: str) -> subprocess.CompletedProcess[str]:
        arguments = list(map(str, wanted))
        monkeypatch.setenv("PANAH_VAR", str(panah.var))
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Give the sentence of a refusal, which is one line on standard error and nothing else."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("panah: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("panah: ").strip()
