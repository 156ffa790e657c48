"""The report of a run can be published, its breaches stand with their commands, and the total adds up."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cli import main
from bot.commands import prove
from bot.proof.part import Found, PartReport
from bot.proof.report import BEGIN, END, NoTableError, Report, added_to, write_report
from bot.proof.simulation.plan import Step, read_kept

BREACH = Found(said="round 3 at E4: I2: update 7 is done after 2 turns", replay="panah prove --only kills --round 3")
KEPT = Found(said="seed 5: I1: gone", replay="panah prove --only simulation --round 5", keep="5: cry 1 2 3, kill 0 0 0")
KILLS = PartReport(
    name="kills", seed=5, took_s=61.2, counts={"kills": 1200}, covered={"E4": 30, "O1": 0}, breaches=(BREACH,)
)
FUZZ = PartReport(name="fuzz", seed=5, took_s=10, counts={"inputs": 90_000, "refused": 4}, covered={"telegram": 90_000})
REPORT = Report(
    began_at=datetime(2026, 11, 22, 10, 30, tzinfo=UTC), seed=5, version="0.1.0", took_s=3600.0, parts=(KILLS, FUZZ)
)


def test_a_page_says_what_was_done_what_was_not_met_and_how_to_see_a_breach_again():
    page = REPORT.as_markdown()

    assert "**1 promises did not hold.**" in page
    assert "| kills | 5 | 61 s | 1,200 kills | 1 |" in page
    assert "Met: E4 30." in page
    assert "Not met: O1." in page
    assert f"- {BREACH.said}\n  `{BREACH.replay}`" in page


def test_a_seed_that_broke_something_stands_there_as_the_line_that_keeps_it():
    part = PartReport(name="simulation", seed=5, took_s=1.0, counts={"seeds": 9}, breaches=(KEPT,))
    report = replace(REPORT, parts=(part,))

    assert f"```\n{KEPT.keep}\n```" in report.as_markdown()
    assert read_kept(KEPT.keep) == (5, [Step("cry", 1, 2, 3), Step("kill", 0, 0, 0)])
    assert report.as_json()["parts"][0]["breaches"][0]["keep"] == KEPT.keep


def test_a_part_that_breaks_off_is_a_breach_and_the_others_are_reported(tmp_path, monkeypatch, capsys):
    def breaks(_order):
        raise RuntimeError("of this part")

    monkeypatch.setitem(prove.PARTS, "simulation", (breaks, 0.4))
    monkeypatch.setitem(prove.PARTS, "kills", (lambda _order: KILLS, 0.25))
    for name in ("kills-postgres", "kills-redis", "faults", "faults-postgres", "fuzz", "drills"):
        monkeypatch.delitem(prove.PARTS, name)
    table = tmp_path / "table.md"
    table.write_text(f"{BEGIN}\n{END}")

    assert main(["prove", "--hours", "0.01", "--report", str(tmp_path / "hour"), "--add-to", str(table)]) == 1
    page = (tmp_path / "hour.md").read_text("utf-8")
    assert "the part broke off: RuntimeError" in page
    assert "1,200 kills" in page
    assert "| 2 |" in table.read_text("utf-8").split("Total")[1]
    assert capsys.readouterr().out.rstrip() == page.rstrip()


def test_a_document_without_a_table_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "empty.md").write_text("nothing")

    assert main(["prove", "--add-to", str(tmp_path / "empty.md")]) == 2


def test_the_machine_has_cores_and_versions_but_no_name(tmp_path):
    names = write_report(REPORT, str(tmp_path / "proof.md"))
    data = json.loads((tmp_path / "proof.json").read_text("utf-8"))

    assert [str(tmp_path / "proof.md"), str(tmp_path / "proof.json")] == list(names)
    assert {"cores", "system", "python", "sqlite"} == set(data["machine"])
    assert (1, ["kills", "fuzz"]) == (data["breaches"], [part["name"] for part in data["parts"]])


def test_each_run_is_added_to_the_table_and_the_total_is_reckoned_again():
    once = added_to(f"a\n{BEGIN}\n{END}\nb", REPORT)
    twice = added_to(once, REPORT)

    assert "| 2026-11-22 10:30 | 1.00 | 5 | 0 | 1,200 | 0 | 90,000 | 0 | 1 |" in once
    assert "| **Total** | 2.00 | | 0 | 2,400 | 0 | 180,000 | 0 | 2 |" in twice
    assert twice.startswith("a\n") and twice.endswith("\nb")  # noqa: PT018 - one thing: the rest stays


def test_a_document_without_a_table_is_refused():
    with pytest.raises(NoTableError):
        added_to("nothing", REPORT)


def test_the_verb_makes_an_input_again_and_refuses_what_it_does_not_know(capsys):
    assert main(["prove", "--only", "fuzz", "--input", "telegram:1:7"]) == 0
    assert main(["prove", "--input", "nothing:1:7"]) == 2
    assert main(["prove", "--only", "fuzz", "--round", "7"]) == 2
    assert "read" in capsys.readouterr().out
