"""Health tells the truth within thirty seconds (I30): each condition is broken in a running core, then healed."""

import pytest

from bot.health.checks import ENGINE_S, INBOX_S, URGENT_S, WATCH_S
from bot.store import schema

TRUTH_S = 30
DAY_MS = 86_400_000


@pytest.mark.parametrize("name", ["waiting", "timers", "sweeper", "sender"])
def test_a_loop_that_ends_is_missed_and_no_longer_missed_when_it_runs_again(name, house, live):
    async def story():
        house.stop(name)
        assert await house.seconds_until(lambda red: red == {"beats"}) <= TRUTH_S + 15
        house.start(name)
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


def test_an_engine_that_no_longer_turns_is_red_and_not_alive(house, live):
    async def story():
        house.core.worker.kick, kick = (lambda: None), house.core.worker.kick
        assert await house.seconds_until(lambda red: red == {"engine"}) <= ENGINE_S + TRUTH_S
        assert not house.health.alive()
        house.core.worker.kick = kick
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S
        assert house.health.alive()

    live(story)


def test_a_disk_that_takes_no_commit_is_red_and_not_ready(house, live):
    async def story():
        stop = "SET default_transaction_read_only={}" if house.core.store.is_shared else "PRAGMA query_only={}"
        house.core.store.connection.exec_driver_sql(stop.format("ON"))
        assert await house.seconds_until(lambda red: {"engine", "beats"} <= red) <= ENGINE_S + TRUTH_S
        assert not house.health.ready()
        house.core.store.connection.exec_driver_sql(stop.format("OFF"))
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S
        assert house.health.ready()

    live(story)


def test_a_database_that_cannot_be_read_is_red(house, live):
    async def story():
        house.sql("ALTER TABLE beats RENAME TO hidden")
        assert await house.seconds_until(lambda red: "database" in red) <= TRUTH_S
        house.sql("ALTER TABLE hidden RENAME TO beats")
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


def test_a_message_without_its_turn_is_red_whether_in_memory_or_stored(house, live):
    async def story():
        house.core.inbox.on_arrival, kick = (lambda: None), house.core.inbox.on_arrival
        house.core.worker.kick, whole = (lambda: None), house.core.worker.kick
        house.say("سلام")
        assert await house.seconds_until(lambda red: "inbox" in red) <= INBOX_S + TRUTH_S
        house.core.inbox.on_arrival, house.core.worker.kick = kick, whole
        kick()
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S
        house.stop("waiting")
        house.core.worker.be_careful(1)
        house.say("هستید؟")
        assert await house.seconds_until(lambda red: "inbox" in red) <= INBOX_S + TRUTH_S
        house.start("waiting")
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


def test_an_immediate_case_that_nobody_takes_is_red_until_somebody_does(house, live):
    async def story():
        house.say("شوهرم داره منو می‌زنه")
        assert await house.seconds_until(lambda red: red == {"urgent"}) <= URGENT_S + TRUTH_S
        house.sql("UPDATE cases SET state = 'claimed', holder = 'mina', lease_until = ?", house.now_ms + DAY_MS)
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


def test_a_case_left_again_counts_from_when_it_was_left(house, live):
    async def story():
        house.say("شوهرم داره منو می‌زنه")
        await house.seconds_until(lambda red: red == {"urgent"})
        case_id = house.core.store.read_now(lambda db: db.execute(schema.cases.select()).mappings().one()["id"])
        house.sql(
            "INSERT INTO case_events (case_id, kind, actor, at) VALUES (?, 'lease_lost', 'sweeper', ?)",
            case_id,
            house.now_ms,
        )
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S
        assert await house.seconds_until(lambda red: red == {"urgent"}) > URGENT_S - TRUTH_S

    live(story)


def test_an_alert_loop_without_a_sign_is_red(house, live):
    async def story():
        house.stop("watch")
        assert await house.seconds_until(lambda red: red == {"watch"}) <= WATCH_S + TRUTH_S
        house.start("watch")
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


def test_without_a_way_out_for_alerts_it_is_red(house, live):
    async def story():
        house.way_out = False
        assert await house.seconds_until(lambda red: red == {"ways_out"}) <= TRUTH_S
        house.way_out = True
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


@pytest.mark.parametrize(("detail", "key"), [("pending", "pending"), ("failures", "provider")])
def test_what_a_poller_says_of_its_provider_is_believed(detail, key, house, live):
    async def story():
        house.core.beats.beat("poller:telegram", **{detail: 51})
        assert await house.seconds_until(lambda red: red == {key}) <= TRUTH_S
        house.core.beats.beat("poller:telegram", **{detail: 0})
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)


@pytest.mark.parametrize("jumped_s", [900, -900])
def test_a_clock_that_jumps_is_red_and_forgiven_after_a_while(jumped_s, house, live):
    async def story():
        house.say("سلام")
        house.clock.jump(jumped_s)
        assert await house.seconds_until(lambda red: red == {"clock"}) <= TRUTH_S
        house.clock.jump(-jumped_s)
        assert await house.seconds_until(lambda red: not red, most=2000) <= 1000

    live(story)


@pytest.mark.parametrize(("key", "mark", "most_h"), [("backup", "backup_at", 24), ("retention", "retention_at", 48)])
def test_what_was_not_done_in_time_is_red_until_it_is_done(key, mark, most_h, house, live):
    async def story():
        put = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        house.sql(put, mark, str(house.now_ms - most_h * 3_600_000 - 1000))
        assert await house.seconds_until(lambda red: red == {key}) <= TRUTH_S
        house.sql(put, mark, str(house.now_ms))
        assert await house.seconds_until(lambda red: not red) <= TRUTH_S

    live(story)
