"""Each bench measures what it says, at a tiny size: counts and shape, never time."""

from bot.bench import console, escalation, gate, soak, triage, webhook


async def test_the_webhook_bench_counts_every_request_and_every_send_beside_the_peer():
    report = await webhook.measure(
        webhook.Plan(rounds=1, contacts=4, connections=4, burst=60, burst_connections=30, peer="aiogram")
    )

    for side in ("webhook_to_commit", "webhook_to_reply_in_response", "webhook_to_separate_send"):
        assert report[side]["requests_per_s"]["median"] > 0
        assert report[side]["cpu_us_per_request"]["median"] > 0
    assert report["webhook_to_separate_send"]["sent_per_cpu_s"]["median"] > 0
    assert {"webhook_to_commit", "webhook_to_separate_send"} <= set(report["times_the_peer"])
    assert 60 == report["burst"]["messages"]


async def test_a_cry_under_load_is_timed_to_the_stream_of_the_console():
    report = await escalation.measure(
        escalation.Plan(rounds=1, per_s=60, seconds=0.5, dangers=3, waits_for_alert=False)
    )

    assert report["case_on_stream"]["p99_ms"]["median"] > 0
    assert report["ordinary_load"]["accepted_per_s"]["median"] > 0


async def test_a_small_crowd_is_there_and_its_pages_open():
    report = await console.measure(console.Plan(rounds=1, share=0.001, contacts=4, looks=2))

    assert 1000 == report["database"]["closed_cases"]
    assert 100 == report["database"]["waiting_sessions"]
    assert report["turn"]["cpu_times_empty"]["median"] > 0
    assert {"queue_p95_ms", "live_case_p95_ms", "closed_case_p95_ms"} <= set(report["pages"])


async def test_a_short_soak_counts_its_rows_and_watches_the_process():
    report = await soak.measure(soak.Plan(minutes=0.02, per_s=50, tick_s=0.4))

    assert 60 == report["load"]["messages"]
    assert report["minute_1"]["rss_mb"] > 10
    assert report["minute_1"]["fds"] > 3
    assert "rss_mb_last_by_middle" in report["drift"]


def test_triage_is_timed_on_lines_of_three_lengths():
    report = triage.measure(rounds=1, lines=40)

    assert {"everyday_lines", "300_characters", "4096_of_anything", "start"} <= set(report)
    assert 40 == report["everyday_lines"]["texts"]
    assert report["start"]["mb"]["median"] > 0


def test_the_gate_closes_when_a_turn_does_more():
    plain = gate.measure(gate.Plan(rounds=4, contacts=4))["gate"]["ratio"]

    dearer = gate.judged(
        gate.measure(gate.Plan(rounds=4, contacts=4, extra=lambda: sum(range(40_000)))), committed := plain
    )

    assert not dearer["gate"]["open"]
    assert committed == dearer["gate"]["committed"]
    assert gate.is_open(plain, plain)


def test_the_committed_number_is_read():
    assert gate.committed() > 1
