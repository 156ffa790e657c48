"""YAML scripts to a Bundle. Never raises on bad content: what is wrong comes back as issues, and what can be read is read.

Directory layout: *.yaml are scripts (`always.yaml` and the entry script `welcome.yaml` among them; a file is named as
its flow), instruments/*.yaml, guides/*.yaml, helplines.yaml, directory/*.yaml. Shapes beside the scripts:
bot.engine.loader_library. Edit and publish only: a turn reads compiled JSON (bot.engine.codec).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from bot.engine.codec import with_version
from bot.engine.issues import Issue, issue
from bot.engine.loader_expand import expand
from bot.engine.loader_fields import Reading
from bot.engine.loader_flow import read_flow
from bot.engine.loader_library import read_card, read_directory, read_instrument, read_lines
from bot.engine.loader_names import names_of_flow
from bot.engine.loader_yaml import read_yaml
from bot.engine.model import (
    ALWAYS_STEPS,
    Ask,
    Bundle,
    Card,
    DirectoryType,
    Escalate,
    Flow,
    Instrument,
    Say,
    Step,
)
from bot.engine.nodes import Node
from bot.engine.yaml_words import broken

STEPS_MAX_ALL = 2000
_ALWAYS_KINDS: dict[str, type[Step]] = {"ask": Ask, "say": Say, "escalate": Escalate}
_Thing = TypeVar("_Thing", Instrument, Card, DirectoryType)


def load_bundle(directory: Path) -> tuple[Bundle | None, list[Issue]]:
    """Load everything under a directory.

    The bundle is None only when there is no flow `always` or entry flow to stand on; otherwise it holds what could be
    read, and it may be run only when no issue (of this and of check_bundle) is an error. Issues are sorted by place.
    """
    issues: list[Issue] = []
    library = Bundle(
        instruments=_load_all(directory / "instruments", read_instrument, issues),
        cards=_load_all(directory / "guides", read_card, issues),
        directory=_load_all(directory / "directory", read_directory, issues),
    )
    lines = directory / "helplines.yaml"
    if lines.is_file():
        reading, node = _open(lines, "helplines.yaml")
        library = replace(library, lines=read_lines(reading, node) if node else {})
        issues.extend(reading.issues)
    sources = [
        _Source(path.name, *_read(path, path.name)) for path in sorted(directory.glob("*.yaml")) if path != lines
    ]
    bundle = _compile(sources, library)
    issues.extend(found for source in sources for found in source.issues)
    issues.extend(_missing(bundle))
    return (with_version(bundle) if _can_stand(bundle) else None), sorted(set(issues))


def load_instruments(directory: Path) -> dict[str, Instrument]:
    """Load the instruments of one folder, those without an error, by id."""
    issues: list[Issue] = []
    found = _load_all(directory, read_instrument, issues)
    broken_files = {one.file for one in issues if one.severity == "E"}
    return {name: one for name, one in found.items() if f"{directory.name}/{name}.yaml" not in broken_files}


def load_flow(text: str, file: str, bundle: Bundle | None = None) -> tuple[Flow | None, list[Issue]]:
    """Load one script from text, as the editor page does; `bundle` is what it may draw on (instruments, other flows)."""
    node, issues = read_yaml(text, file)
    source = _Source(file, node, issues)
    known = bundle or Bundle()
    loaded = _compile([source], known)
    flow = next((loaded.flows[name] for name in loaded.flows if loaded.flows[name] is not known.flows.get(name)), None)
    return flow, sorted(set(source.issues))


@dataclass(slots=True)
class _Source:
    """A script file on its way through the two passes."""

    file: str
    node: Node | None
    issues: list[Issue] = field(default_factory=list)


def _compile(sources: list[_Source], library: Bundle) -> Bundle:
    """Read scripts twice: first for what their answers are called, then with those names for the conditions."""
    rough = dict(library.flows)
    always_first = sorted(sources, key=lambda source: source.file != "always.yaml")
    for source in always_first:
        flow = _flow(source, Reading(source.file), rough, library)
        if flow is not None:
            rough[flow.id] = flow
    flows = dict(library.flows)
    for source in always_first:
        if source.node is None:
            continue
        names = None
        first = _flow(source, Reading(source.file), rough, library)
        if first is not None:
            names = names_of_flow(first, rough, library.instruments)
        reading = Reading(source.file, source.issues, names)
        flow = _flow(source, reading, flows | {"always": rough["always"]} if "always" in rough else flows, library)
        if flow is not None:
            _note_file(flow, source, taken=flow.id in flows and flow.id not in library.flows)
            flows[flow.id] = flow
    return replace(library, flows=flows)


def _flow(source: _Source, reading: Reading, flows: dict[str, Flow], library: Bundle) -> Flow | None:
    if source.node is None:
        return None
    read = read_flow(reading, source.node)
    if read is None:
        return None
    header, raw = read
    steps = expand(reading, raw, library.instruments, flows.get("always"))
    return replace(header, steps=tuple(_with_silence(step, header) for step in steps))


def _with_silence(step: Step, header: Flow) -> Step:
    if isinstance(step, Ask) and step.silence is None and header.silence is not None:
        return replace(step, silence=header.silence)
    return step


def _note_file(flow: Flow, source: _Source, *, taken: bool) -> None:
    if taken:
        source.issues.append(issue("duplicate_id", source.file, (1, 1), name=flow.id))
    elif source.file.endswith(".yaml") and source.file.rsplit("/", 1)[-1] != f"{flow.id}.yaml":
        expected = f"{flow.id}.yaml"
        source.issues.append(issue("bad_value", source.file, (1, 1), name="flow", value=flow.id, expected=expected))


def _load_all(
    directory: Path, read: Callable[[Reading, Node], _Thing | None], issues: list[Issue]
) -> dict[str, _Thing]:
    found: dict[str, _Thing] = {}
    for path in sorted(directory.glob("*.yaml")):
        name = f"{directory.name}/{path.name}"
        reading, node = _open(path, name)
        thing = read(reading, node) if node else None
        if thing is not None:
            if thing.id in found or thing.id != path.stem:
                reading.report("bad_value", (1, 1), name="id", value=thing.id, expected=path.stem)
            found[thing.id] = thing
        issues.extend(reading.issues)
    return found


def _open(path: Path, name: str) -> tuple[Reading, Node | None]:
    node, issues = _read(path, name)
    return Reading(name, issues), node


def _read(path: Path, name: str) -> tuple[Node | None, list[Issue]]:
    try:
        return read_yaml(path.read_bytes().decode("utf-8-sig"), name)
    except UnicodeDecodeError:
        return None, [broken(name, (1, 1), "not UTF-8")]
    except OSError as error:
        return None, [broken(name, (1, 1), type(error).__name__)]


def _can_stand(bundle: Bundle) -> bool:
    return "always" in bundle.flows and bundle.entry in bundle.flows


def _missing(bundle: Bundle) -> list[Issue]:
    """Say what the deployment lacks as a whole."""
    found = [
        issue("unknown_flow", f"{name}.yaml", (1, 1), name=name, nearest="-")
        for name in ("always", bundle.entry)
        if name not in bundle.flows
    ]
    steps = sum(len(flow.steps) for flow in bundle.flows.values())
    if steps > STEPS_MAX_ALL:
        found.append(issue("too_large", ".", (1, 1), name="steps", size=steps, most=STEPS_MAX_ALL))
    always = bundle.flows.get("always")
    for name, kind in ALWAYS_STEPS.items() if always else ():
        step = always.step(name) if always else None
        if not isinstance(step, _ALWAYS_KINDS[kind]):
            found.append(issue("always_incomplete", "always.yaml", (1, 1), name=name, kind=kind))
    return found
