"""`panah sbom`: a software bill of materials (CycloneDX 1.6, JSON) of what is installed here, with the lock's hashes.

From importlib.metadata and requirements.lock alone: no network, no further tool. `pip-audit` reads such a list on a
machine that has a network (CONTRIBUTING.md).
"""

import argparse
import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from bot.commands.files import copy_private

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[-_.]+")


def sbom(args: argparse.Namespace) -> int:
    """Print the list, or write it to a new file."""
    text = json.dumps(bill_of(Path(args.lock)), indent=2, ensure_ascii=False) + "\n"
    if args.file:
        copy_private(text.encode(), Path(args.file))
    else:
        print(text, end="")  # noqa: T201 - what was asked for
    return 0


def bill_of(lock: Path) -> dict[str, Any]:
    """Give the whole bill; packages in the order of their names, so that two bills can be compared line by line."""
    hashes = read_lock(lock)
    parts = [_component(found, hashes) for found in _installed()]
    me = metadata.distribution("panah")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "panah",
                "version": me.version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": parts,
    }


def read_lock(lock: Path) -> dict[tuple[str, str], list[str]]:
    """Give the hashes of each pinned package by (name, version); nothing when there is no lock."""
    if not lock.is_file():
        return {}
    found: dict[tuple[str, str], list[str]] = {}
    last: tuple[str, str] | None = None
    for line in lock.read_text(encoding="utf-8").splitlines():
        pin = _PIN.match(line)
        if pin:
            last = (normal(pin[1]), pin[2])
            found[last] = []
        if last is not None:
            found[last] += _HASH.findall(line)
    return found


def normal(name: str) -> str:
    """Give a package's name in its normal form (PEP 503)."""
    return _NAME.sub("-", name).lower()


def _installed() -> Iterator[metadata.Distribution]:
    by_name = {normal(found.metadata["Name"]): found for found in metadata.distributions()}
    by_name.pop("panah", None)
    yield from (by_name[name] for name in sorted(by_name))


def _component(found: metadata.Distribution, hashes: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    name, version = normal(found.metadata["Name"]), found.version
    purl = f"pkg:pypi/{name}@{version}"
    part: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if "License-Expression" in found.metadata:
        part["licenses"] = [{"expression": found.metadata["License-Expression"]}]
    known = hashes.get((name, version), [])
    if known:  # one for each wheel that the lock allows
        part["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in known]
    return part
