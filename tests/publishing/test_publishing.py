import shutil
import threading
import zlib
from datetime import UTC, datetime

import pytest

from bot.bus import InProcessBus
from bot.core import fault
from bot.core.clock import VirtualClock
from bot.drafts import load_draft, read_sources
from bot.engine.issues import issue
from bot.publishing import (
    Act,
    NoReasonError,
    NotOpenError,
    NotReadyError,
    SecondPersonError,
    StaleRequestError,
    UnknownVersionError,
    current_version,
    ensure_published,
    find_request,
    gate,
    history,
    load_version,
    propose,
    publish,
    refuse,
    requests,
    rollback,
    sealed_version,
    version_sources,
)
from bot.versions import VersionCache


class Publisher:
    """Proposes and publishes what lies in a directory."""

    def __init__(self, store, flows) -> None:
        self.store, self.flows, self.now_ms, self.bus = store, flows, 1000, InProcessBus()

    def act(self, by, note=""):
        self.now_ms += 1
        return Act(by=by, now_ms=self.now_ms, note=note)

    def propose(self, request_id, by="sara"):
        bundle, _ = load_draft(self.flows)
        sources = read_sources(self.flows)
        self.store.write_now(lambda tx: propose(tx, request_id, sources, bundle, self.act(by, "یادداشت")))

    def publish(self, request_id, by):
        return self.store.write_now(lambda tx: publish(tx, request_id, self.act(by), bus=self.bus))

    def rollback(self, version, by, reason):
        return self.store.write_now(lambda tx: rollback(tx, version, self.act(by, reason), bus=self.bus))

    def current(self):
        return self.store.read_now(current_version)


@pytest.fixture
def publisher(store, flows):
    return Publisher(store, flows)


def edit(flows, name, old, new):
    path = flows / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_first_start_copies_and_publishes_the_packages_scripts(store, flows, package):
    [first] = store.read_now(history)

    assert read_sources(flows) == read_sources(package)
    assert (first.action, first.by) == ("install", "panah")
    assert store.read_now(lambda db: load_version(db, first.version)).entry == "welcome"


def test_a_second_start_touches_neither_the_edits_nor_the_version(store, flows, package):
    edit(flows, "welcome.yaml", "owner:", "owner: دیگری #")
    before = (flows / "welcome.yaml").read_text(encoding="utf-8")
    ensure_published(store, flows, now_ms=2, package_dir=package)

    assert before == (flows / "welcome.yaml").read_text(encoding="utf-8")
    assert len(store.read_now(history)) == 1


def test_scripts_that_cannot_run_at_the_first_start_give_way_to_the_packages(empty, tmp_path, package):
    broken = tmp_path / "flows"
    shutil.copytree(package, broken)
    (broken / "welcome.yaml").write_text("flow: [", encoding="utf-8")
    version = ensure_published(empty, broken, now_ms=1, package_dir=package)

    assert "welcome" in empty.read_now(lambda db: load_version(db, version)).flows
    assert (broken / "welcome.yaml").read_text(encoding="utf-8") == "flow: ["


def test_a_version_reads_back_as_it_was_compiled(store, flows):
    bundle, _ = load_draft(flows)
    sealed = sealed_version(bundle)

    assert sealed == store.read_now(lambda db: load_version(db, sealed.version))


def test_a_version_compiled_by_another_program_is_compiled_again_from_its_files(store, flows):
    version = store.read_now(current_version)
    old = zlib.compress(b'{"format": 0}')
    store.write_now(lambda tx: tx.raw.execute("UPDATE versions SET compiled = ?", (old,)))
    bundle = store.read_now(lambda db: load_version(db, version))

    assert bundle.version == version
    assert "always" in bundle.flows


def test_what_carries_danger_is_published_by_a_second_person_only(publisher, flows):
    before = publisher.current()
    edit(flows, "always.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1", by="sara")
    with pytest.raises(SecondPersonError):
        publisher.publish("r1", by="sara")
    published = publisher.publish("r1", by="mina")

    assert before != published == publisher.current()
    assert publisher.store.read_now(lambda db: find_request(db, "r1")).state == "published"


def test_a_changed_number_needs_a_second_person_and_makes_a_version_of_its_own(publisher, flows):
    text = (flows / "helplines.yaml").read_text(encoding="utf-8")
    (flows / "helplines.yaml").write_text(text.replace("1480", "1481"), encoding="utf-8")
    publisher.propose("r1", by="sara")
    with pytest.raises(SecondPersonError):
        publisher.publish("r1", by="sara")
    old, new = publisher.current(), publisher.publish("r1", by="mina")

    assert old != new


def test_a_changed_directory_entry_needs_nobody_else(publisher, flows):
    edit(flows, "directory/ngo.yaml", "title:", "title: تازه -")
    publisher.propose("r1", by="sara")

    assert publisher.publish("r1", by="sara") == publisher.current()


def test_a_request_is_decided_once(publisher, flows):
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1")
    publisher.store.write_now(lambda tx: refuse(tx, "r1", publisher.act("mina", note="لحن")))
    with pytest.raises(NotOpenError):
        publisher.publish("r1", by="mina")
    with pytest.raises(NotOpenError):
        publisher.publish("no such", by="mina")

    assert publisher.store.read_now(lambda db: find_request(db, "r1")).state == "refused"


def test_a_request_from_before_another_publication_must_be_proposed_again(publisher, flows):
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1", by="sara")
    publisher.propose("r2", by="nasrin")
    publisher.publish("r2", by="mina")

    with pytest.raises(StaleRequestError):
        publisher.publish("r1", by="mina")


def test_a_newer_proposal_of_the_same_person_withdraws_the_older(publisher, flows):
    publisher.propose("r1", by="sara")
    publisher.propose("r2", by="sara")

    assert [found.id for found in publisher.store.read_now(requests)] == ["r2"]


def test_going_back_is_one_persons_act_with_a_reason(publisher, flows):
    first = publisher.current()
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1")
    second = publisher.publish("r1", by="mina")
    with pytest.raises(NoReasonError):
        publisher.rollback(first, "sara", " ")
    publisher.rollback(first, "sara", "متن نادرست بود")

    assert publisher.current() == first != second
    assert [found.action for found in publisher.store.read_now(history)] == ["rollback", "publish", "install"]


def test_nobody_goes_back_to_what_was_never_published(publisher, flows):
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1")
    proposed = publisher.store.read_now(lambda db: find_request(db, "r1")).version

    for version in (proposed, "0" * 16):
        with pytest.raises(UnknownVersionError):
            publisher.rollback(version, "sara", "چون")


def test_the_files_of_every_version_are_kept(publisher, flows):
    first = publisher.current()
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1")
    second = publisher.publish("r1", by="mina")
    old, new = (publisher.store.read_now(lambda db, v=v: version_sources(db, v)) for v in (first, second))

    assert [name for name in new if old[name] != new[name]] == ["welcome.yaml"]


def test_errors_block_and_warnings_want_a_named_persons_tick():
    error, warning = (issue(rule, "a.yaml", (1, 1), name="x", nearest="y") for rule in ("unknown_target", "no_test"))
    gate([], acknowledged=False)
    gate([warning], acknowledged=True)

    with pytest.raises(NotReadyError):
        gate([warning], acknowledged=False)
    with pytest.raises(NotReadyError) as refused:
        gate([error, warning], acknowledged=True)
    assert refused.value.issues == (error,)


@pytest.mark.parametrize("point", ["P1", "P2"])
def test_a_crash_before_the_commit_leaves_the_old_version_and_the_request_open(publisher, flows, point):
    before = publisher.current()
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    if point == "P2":
        publisher.propose("r1")

    def die(reached):
        if reached == point:
            raise RuntimeError(reached)

    fault.arm(die)
    try:
        with pytest.raises(RuntimeError, match=point):
            publisher.propose("r1") if point == "P1" else publisher.publish("r1", by="mina")
    finally:
        fault.arm(None)

    assert publisher.current() == before
    found = publisher.store.read_now(lambda db: find_request(db, "r1"))
    assert (found is None) if point == "P1" else (found.state == "open")


def test_publishing_passes_its_three_crash_points_in_order(publisher, flows):
    passed = []
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    fault.arm(passed.append)
    try:
        publisher.propose("r1")
        publisher.publish("r1", by="mina")
    finally:
        fault.arm(None)

    assert [point for point in passed if point[0] == "P"] == ["P1", "P2", "P3"]


def test_new_conversations_get_the_new_version_and_running_ones_their_own(publisher, flows):
    clock = VirtualClock(datetime(2026, 11, 22, tzinfo=UTC))
    cache = VersionCache(publisher.store, clock)
    first = cache.current()
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1")
    publisher.publish("r1", by="mina")
    unaware = cache.current()
    clock.advance(2.5)

    assert unaware is first  # P3: nobody told this process yet
    assert cache.current().flows["welcome"].owner != first.flows["welcome"].owner
    assert cache.get(first.version) is first


def test_a_hint_makes_the_new_version_known_at_once(publisher, flows):
    cache = VersionCache(publisher.store, VirtualClock(datetime(2026, 11, 22, tzinfo=UTC)))
    first = cache.current()
    edit(flows, "welcome.yaml", "owner:", "owner: تازه #")
    publisher.propose("r1")
    publisher.publish("r1", by="mina")
    cache.refresh()

    assert cache.current().version != first.version
    assert cache.lines()["123"] == "123"


def test_before_anything_was_published_there_is_no_version(empty):
    cache = VersionCache(empty)

    with pytest.raises(UnknownVersionError):
        cache.current()
    with pytest.raises(UnknownVersionError):
        cache.get("0" * 16)


def test_many_threads_may_ask_for_versions_at_once(store, flows):
    cache = VersionCache(store)
    found = []
    threads = [threading.Thread(target=lambda: found.append(cache.current().version)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(found) == {store.read_now(current_version)}
