"""Keys and sealed values: only the right key, at the right place, opens what was sealed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.ids import RandomPieces, seeded_ids, system_ids
from bot.store.crypto import KeyFileError, UnreadableError, create_key_file, ephemeral_keyring, load_keyring
from bot.store.vault import seal, unseal

KEYRING = ephemeral_keyring()
_, KEY = KEYRING.new_data_key()
PLAIN = st.recursive(
    st.text() | st.integers(-(2**50), 2**50) | st.booleans(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(PLAIN)
def test_what_is_sealed_opens_as_it_was(content):
    assert content == unseal(KEY, "messages.body", seal(KEY, "messages.body", content))


def test_lone_surrogates_survive():
    assert {"text": "\ud800 سلام"} == unseal(KEY, "messages.body", seal(KEY, "messages.body", {"text": "\ud800 سلام"}))


@pytest.mark.parametrize("how", ["another key", "another place", "one bit", "cut"])
def test_nothing_else_opens_it(how):
    sealed = seal(KEY, "messages.body", "راز")
    key = KEYRING.new_data_key()[1] if how == "another key" else KEY
    place = "outbox.body" if how == "another place" else "messages.body"
    changed = {"one bit": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:5]}.get(how, sealed)

    with pytest.raises(UnreadableError):
        unseal(key, place, changed)


def test_another_installations_keys_open_nothing():
    wrapped, _ = KEYRING.new_data_key()

    with pytest.raises(UnreadableError):
        ephemeral_keyring().unwrap(wrapped)


def test_an_address_is_found_by_its_keyed_index_only():
    assert KEYRING.address_index("sms", "+989120000000") == KEYRING.address_index("sms", "+989120000000")
    assert KEYRING.address_index("sms", "+989120000000") != KEYRING.address_index("web", "+989120000000")
    assert KEYRING.address_index("sms", "+989120000000") != ephemeral_keyring().address_index("sms", "+989120000000")


def test_the_key_file_is_its_owners_only_and_is_never_replaced(tmp_path):
    path = tmp_path / "keys" / "panah.key"
    create_key_file(path)

    assert 0o600 == path.stat().st_mode & 0o777
    with pytest.raises(FileExistsError):
        create_key_file(path)
    first, again = load_keyring(path), load_keyring(path)
    wrapped, key = first.new_data_key()
    assert b"x" == again.unwrap(wrapped).open(b"a", key.seal(b"a", b"x"))


@pytest.mark.parametrize(
    "content", [None, "", "{}", '{"key_id": 1}', '{"key_id":"a","wrapping":"zz","index":"","signing":""}']
)
def test_a_damaged_key_file_is_refused_with_a_sentence(tmp_path, content):
    path = tmp_path / "panah.key"
    if content is not None:
        path.write_text(content)

    with pytest.raises(KeyFileError, match="escrow"):
        load_keyring(path)


def test_random_bytes_are_never_given_twice_not_even_to_a_forked_child():
    block = RandomPieces(12)
    given_out = {block() for _ in range(2000)}
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"".join(block() for _ in range(50)))
        os._exit(0)
    os.waitpid(child, 0)
    raw = os.read(reader, 600)
    os.close(reader)
    os.close(writer)

    assert 2000 == len(given_out)
    assert not {raw[at : at + 12] for at in range(0, 600, 12)} & ({block() for _ in range(300)} | given_out)


def test_ids_repeat_for_a_seed_and_never_otherwise():
    assert [seeded_ids(3)() for _ in range(1)] == [seeded_ids(3)() for _ in range(1)]
    assert 1000 == len({system_ids() for _ in range(1000)})
