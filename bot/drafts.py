"""The scripts as files that flow admins edit: the first copy, reading, safe saving, and what differs.

Only names of known shapes are read or written, so no name leads out of the directory. The danger lexicon is not
among them: danger rules live with the program, and no script can change them (reliability.md T9).
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.engine.issues import Issue
from bot.engine.model import Bundle
from bot.i18n import load_translations

#: Name («welcome.yaml», «guides/safe_phone.yaml») → text.
Sources = Mapping[str, str]

FILE_BYTES_MAX = 1_000_000
FOLDERS = ("instruments", "guides", "directory")
_NAME = re.compile(rf"(?:(?:{'|'.join(FOLDERS)})/)?[a-z][a-z0-9_]{{0,31}}\.yaml")
_STEP = re.compile(
    r"\s*-?\s*\{?\s*(?:- )?\{?(?:ask|say|if|go|set|screen|score|call|guide|refer|escalate|consent|safe_contact|follow_up"
    r"|end|id)\s*:\s*([a-z][a-z0-9_]*)"
)


class DraftError(Exception):
    """A file of the scripts cannot be used like this."""


class BadNameError(DraftError):
    """This is no name of a script, instrument, card or directory file."""


class TooBigError(DraftError):
    """A script file is at most one megabyte."""


class EditConflictError(DraftError):
    """Somebody else saved this file meanwhile; nothing was overwritten."""


def install_defaults(package_dir: Path, flows_dir: Path) -> bool:
    """Copy the scripts of the package where admins edit them, once; an existing directory is never touched.

    The copy appears in one rename, so a crash half-way leaves none.
    """
    if flows_dir.exists():
        return False
    flows_dir.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".flows-", dir=flows_dir.parent))
    for name, text in read_sources(package_dir).items():
        target = staging / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    staging.chmod(0o750)
    staging.rename(flows_dir)
    return True


def read_sources(flows_dir: Path) -> dict[str, str]:
    """Read every file of the scripts, by name; what is no readable text or too large is passed over."""
    found: dict[str, str] = {}
    for path in sorted(
        [*flows_dir.glob("*.yaml"), *(one for name in FOLDERS for one in flows_dir.glob(f"{name}/*.yaml"))]
    ):
        name = path.relative_to(flows_dir).as_posix()
        if _NAME.fullmatch(name) and path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
            found[name] = path.read_bytes().decode("utf-8", "replace")
    return found


def load_draft(flows_dir: Path) -> tuple[Bundle | None, list[Issue]]:
    """Compile the scripts as they stand, with their translations; see load_bundle."""
    from bot.engine.loader import load_bundle  # noqa: PLC0415 - YAML is read at edit and publish only, not at start

    bundle, issues = load_bundle(flows_dir)
    return with_translations(bundle), issues


def with_translations(bundle: Bundle | None) -> Bundle | None:
    """Put the catalogues of today into a bundle; a published version keeps those it was published with."""
    return None if bundle is None else replace(bundle, translations=load_translations())


def compile_sources(sources: Sources) -> tuple[Bundle | None, list[Issue]]:
    """Compile scripts that are not files (an unsaved edit, an old version)."""
    with tempfile.TemporaryDirectory(prefix="panah-flows-") as name:
        directory = Path(name)
        for file, text in sources.items():
            target = _path(directory, file)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return load_draft(directory)


def read_file(flows_dir: Path, name: str) -> str | None:
    """Read one file; None when there is none of that name.

    Raises:
        BadNameError: it is no name of ours.
    """
    path = _path(flows_dir, name)
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None


def text_hash(text: str | None) -> str:
    """Give what an editor page remembers of the text it loaded; empty for a file that is not there."""
    return "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def save_file(flows_dir: Path, name: str, text: str, *, seen: str) -> None:
    """Save one file, whatever its content is worth; `seen` is the hash of the text that was being edited.

    Raises:
        BadNameError: it is no name of ours.
        TooBigError: it is larger than a script may be.
        EditConflictError: the file is not what was being edited any more.
    """
    path = _path(flows_dir, name)
    content = text.replace("\r\n", "\n").encode("utf-8", "replace")
    if len(content) > FILE_BYTES_MAX:
        raise TooBigError
    if text_hash(read_file(flows_dir, name)) != seen:
        raise EditConflictError
    path.parent.mkdir(exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".edit-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(0o640)
    shutil.move(temporary, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Neighbouring changed lines. `step` is the step they stand in; `lines` are (« », «-» or «+», text)."""

    step: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """What differs in one file: added, removed or changed."""

    name: str
    state: str
    hunks: tuple[Hunk, ...]

    def unified(self) -> str:
        """Give it as a unified text."""
        parts = [f"{self.state}: {self.name}"]
        for hunk in self.hunks:
            parts.append(f"@@ {hunk.step}".rstrip())
            parts.extend(f"{mark}{text}" for mark, text in hunk.lines)
        return "\n".join(parts)


def diff(old: Sources, new: Sources) -> list[FileDiff]:
    """Give what differs between two sets of scripts, by file and step."""
    out = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        state = "added" if before is None else "removed" if after is None else "changed"
        hunks = _hunks((before or "").splitlines(), (after or "").splitlines())
        out.append(FileDiff(name=name, state=state, hunks=tuple(hunks)))
    return out


def _hunks(before: list[str], after: list[str]) -> list[Hunk]:
    import difflib  # noqa: PLC0415 - for who looks at changes only

    found = []
    for group in difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_grouped_opcodes(2):
        lines: list[tuple[str, str]] = []
        for kind, a, b, c, d in group:
            if kind == "equal":
                lines.extend((" ", text) for text in after[c:d])
            else:
                lines.extend(("-", text) for text in before[a:b])
                lines.extend(("+", text) for text in after[c:d])
        first = next((op for op in group if op[0] != "equal"), group[0])
        found.append(Hunk(step=_step_at(after, first[3]) or _step_at(before, first[1]), lines=tuple(lines)))
    return found


def _step_at(lines: list[str], at: int) -> str:
    for text in reversed(lines[: at + 1]):
        match = _STEP.match(text)
        if match:
            return match.group(1)
    return ""


def _path(flows_dir: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadNameError
    return flows_dir / name
