"""The wrapping key is changed while people write; whoever is killed in between runs it again, and nothing is lost."""

import random

import pytest
from sqlalchemy import select

from bot.core import fault
from bot.core.messages import InboundMsg, TextInput
from bot.rewrapping import STEP_ROWS, rotate
from bot.store import schema
from bot.store.crypto import UnreadableError, create_key_file, load_keyring
from bot.store.keyfile import read
from escalation import repo_staff

PEOPLE = STEP_ROWS + 7


class KilledError(BaseException):
    """Stands for kill -9."""


@pytest.fixture
def house(make_core, tmp_path):
    """Give a core whose keyring comes from a file, with more people than one step takes."""
    path = tmp_path / "keys" / "panah.key"
    create_key_file(path)
    core = make_core(None)
    core.keyring.adopt(load_keyring(path))
    with_keys = [
        {"id": f"c{n:05}", "wrapped_key": core.keyring.new_data_key()[0], "key_id": core.keyring.key_id,
         "language": "fa", "created_at": 1, "seen_at": 1}
        for n in range(PEOPLE)
    ]  # fmt: skip
    core.store.write_now(lambda tx: tx.execute(schema.contacts.insert(), with_keys) and None)
    return core, path


def wrapped(core):
    query = select(schema.contacts.c.id, schema.contacts.c.wrapped_key, schema.contacts.c.key_id)
    return core.store.read_now(lambda db: db.execute(query).all())


async def test_every_key_is_wrapped_anew_and_the_old_one_opens_nothing(house):
    core, path = house
    old, sealed = load_keyring(path), {}
    for contact_id, key, _ in wrapped(core):
        sealed[contact_id] = old.unwrap(key).seal(b"messages.body", contact_id.encode())
    core.store.write_now(
        lambda tx: repo_staff.add_staff(
            tx, staff_id="mina", username="mina", name="مینا", roles=(), province="", password_hash="", now_ms=1
        )
    )
    core.store.write_now(
        lambda tx: tx.execute(
            schema.staff_factors.insert().values(
                staff_id="mina", sealed_secret=old.seal_own(b"staff_factors.secret|mina", b"SECRET"), last_step=1,
                created_at=1,
            )
        ) and None
    )  # fmt: skip

    core.store.write_now(lambda tx: tx.raw.execute("INSERT INTO meta VALUES ('key_id', ?)", (old.key_id,)) and None)

    assert PEOPLE == await rotate(core.store, core.keyring, path, now_ms=5)
    fresh = load_keyring(path)
    assert [(fresh.key_id,)] == core.store.read_now(
        lambda db: db.exec_driver_sql("SELECT value FROM meta WHERE key = 'key_id'").fetchall()
    )
    assert old.key_id != fresh.key_id == core.keyring.key_id
    assert "retired" not in read(path)
    assert 0o600 == path.stat().st_mode & 0o777
    for contact_id, key, key_id in wrapped(core):
        assert fresh.key_id == key_id
        assert contact_id.encode() == fresh.unwrap(key).open(b"messages.body", sealed[contact_id])
        with pytest.raises(UnreadableError):
            old.unwrap(key)
    factor = core.store.read_now(lambda db: db.execute(select(schema.staff_factors.c.sealed_secret)).scalar())
    assert b"SECRET" == fresh.open_own(b"staff_factors.secret|mina", factor)
    assert fresh.is_same_installation(old)
    assert old.audit_key == fresh.audit_key
    assert not fresh.has_retired
    assert "key_rotated" in core.store.read_now(lambda db: db.execute(select(schema.audit.c.action)).scalars().all())


@pytest.mark.parametrize("point", ["K1", "K2", "K3"])
async def test_whoever_is_killed_in_between_starts_with_both_keys_and_finishes_when_run_again(house, point):
    core, path = house

    def kill(name):
        if name == point:
            raise KilledError

    fault.arm(kill)
    try:
        with pytest.raises(KilledError):
            await rotate(core.store, core.keyring, path, now_ms=5)
    finally:
        fault.arm(None)
    again = load_keyring(path)  # as the next start reads it
    assert again.has_retired
    for _, key, _ in wrapped(core):
        again.unwrap(key)

    await rotate(core.store, again, path, now_ms=6)
    assert {load_keyring(path).key_id} == {key_id for *_, key_id in wrapped(core)}
    assert "retired" not in read(path)


async def test_who_writes_meanwhile_and_who_is_erased_meanwhile_stay_so(house):
    core, path = house
    write = core.store.write

    async def between(fn):
        answer = await write(fn)
        if core.clock.monotonic() == 0:
            core.clock.advance(1)
            core.store.write_now(
                lambda tx: tx.raw.execute("UPDATE contacts SET wrapped_key = NULL WHERE id = 'c00205'") and None
            )
            message = InboundMsg(
                channel="web", external_id="new", provider_id="1", input=TextInput("سلام"),
                received_at=core.clock.now(),
            )  # fmt: skip
            core.inbox.put(message).done.result(10)
        return answer

    core.store.write = between
    await rotate(core.store, core.keyring, path, now_ms=5)
    found = {contact_id: key for contact_id, key, _ in wrapped(core)}

    assert None is found.pop("c00205")
    assert PEOPLE == len(found)
    assert all(load_keyring(path).unwrap(key) for key in found.values())


def test_a_key_that_nobody_opens_stays_as_it_is(house):
    core, path = house
    with pytest.raises(UnreadableError):
        core.keyring.rewrap(random.Random(1).randbytes(60))
    assert None is core.keyring.rewrap(core.keyring.new_data_key()[0])
    assert load_keyring(path).key_id == core.keyring.key_id
