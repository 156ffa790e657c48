"""Golden journeys: whole conversations as scripts to read, every text she gets and every case, through the real path.

`tests/journeys/*.yaml` hold them; `pytest tests/journeys --update` writes anew what came of each line, for review. A
journey is `says` / `press` / `sends` / `wait` / `staff` lines (`ago`: written so many seconds before it arrives); it begins
with the script of `starts`, else with the welcome; under each stands what she got and what cases changed.
"""

import io
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.content import simulated_core
from bot.core.clock import VirtualClock
from bot.core.messages import (
    ClosedInput,
    ContactInput,
    HandedBackInput,
    HeldInput,
    Input,
    LocationInput,
    MediaInput,
    Press,
    PressInput,
    TextInput,
)
from bot.simulator import LINE_S, Simulator, Step, press_among

HERE = Path(__file__).parent
STARTS = datetime.fromisoformat("2026-11-22T03:00:00+03:30")
STAFF: dict[str, Input] = {"takes": HeldInput(), "hands back": HandedBackInput(), "closes": ClosedInput()}
ACTS = ("says", "press", "stale", "sends", "wait", "staff")


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _journeys() -> list[tuple[Path, int]]:
    found = []
    for path in sorted(HERE.glob("*.yaml")):
        found += [(path, number) for number, _ in enumerate(_yaml().load(path.read_text("utf-8")))]
    return found


class Traveller:
    """A citizen whose lines are read from a journey."""

    def __init__(self, journey: dict[str, Any], bundle: Any, screener: Any) -> None:
        self.clock = VirtualClock(datetime.fromisoformat(journey["at"]) if "at" in journey else STARTS)
        begun = replace(bundle, entry=journey.get("starts", bundle.entry))
        core = simulated_core(begun, screener, self.clock, staff=journey.get("on_shift", True))
        self.simulator = Simulator(core, self.clock, channel=journey.get("channel", "web"))
        self._first_press: Press | None = None

    def does(self, line: dict[str, Any]) -> Step:
        """Do one line."""
        act = next(name for name in ACTS if name in line)
        if act == "wait":
            return self.simulator.wait(float(line["wait"]))
        if act == "staff":
            return self.simulator.act(STAFF[line["staff"]])
        step = self.simulator.send(self._input(act, line[act]), ago_s=float(line.get("ago", 0)))
        self.clock.advance(LINE_S)
        self._note()
        return step

    def _input(self, act: str, what: Any) -> Input:
        if act == "says":
            return TextInput(str(what))
        if act == "press":
            found = press_among(self.simulator.buttons, str(what))
            assert found is not None, f"no button {what}"
            return PressInput(found)
        if act == "stale":
            assert self._first_press is not None
            return PressInput(self._first_press)
        if what == "location":
            return LocationInput(35.7, 51.4)
        return ContactInput("+989121234567") if what == "contact" else MediaInput(what)

    def _note(self) -> None:
        if self._first_press is None and self.simulator.buttons:
            self._first_press = Press.decode(self.simulator.buttons[0][1])


def came_of(line: dict[str, Any], step: Step) -> dict[str, Any]:
    """Give the line with everything that came of it, in the shape of the file."""
    told: dict[str, Any] = {name: line[name] for name in (*ACTS, "ago") if name in line}
    told["gets"] = [said.text for said in step.out]
    offered = [label for said in step.out for label, _ in said.buttons]
    told |= {"offers": offered} if offered else {}
    told |= {"case": [f"{case['tier']} {case['state']} {', '.join(case['kinds'])}" for case in step.cases]}
    if not told["case"]:
        del told["case"]
    return told | ({"ended": True} if step.ended else {})


def travel(journey: dict[str, Any], bundle: Any, screener: Any) -> list[dict[str, Any]]:
    """Do every line of a journey; give what came of each."""
    traveller = Traveller(journey, bundle, screener)
    return [came_of(line, traveller.does(line)) for line in journey["lines"]]


@pytest.mark.parametrize(("path", "number"), _journeys(), ids=lambda value: getattr(value, "stem", str(value)))
def test_a_journey_goes_as_it_was_reviewed(path: Path, number: int, bundle, screener, request) -> None:
    yaml = _yaml()
    journeys = yaml.load(path.read_text("utf-8"))
    journey = journeys[number]
    came = travel(journey, bundle, screener)
    if request.config.getoption("--update", default=False):
        journey["lines"] = came
        out = io.StringIO()
        yaml.dump(journeys, out)
        path.write_text(out.getvalue(), "utf-8")

    assert [dict(line) for line in journey["lines"]] == came, journey["name"]


def test_there_are_at_least_25_journeys_and_each_keeps_its_own_claims() -> None:
    names = [journey["name"] for path in HERE.glob("*.yaml") for journey in _yaml().load(path.read_text("utf-8"))]

    assert len(names) >= 25
    assert len(set(names)) == len(names)
