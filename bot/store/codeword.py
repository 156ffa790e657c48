"""The code word that opens her conversation again: only a keyed digest of it is kept outside her sealed session.

Whoever learns a new word (the worker, from the session) writes `code_word_mac` to `contacts.safe_word_mac`; whoever
is offered one (the web page) asks `is_code_word`. However it is typed, it is one word.
"""

import hmac

from bot.core.text import squash
from bot.store.crypto import Keyring


def code_word_mac(keyring: Keyring, contact_id: str, word: str) -> bytes:
    """Give what is stored for a contact's code word; two contacts with one word have two digests."""
    return keyring.sign("code-word", f"{contact_id}|{squash(word)}".encode("utf-8", "surrogatepass"))


def is_code_word(keyring: Keyring, contact_id: str, word: str, mac: bytes | None) -> bool:
    """True when `word` is the contact's word; nothing is a match for nothing."""
    if not mac or not squash(word):
        return False
    return hmac.compare_digest(mac, code_word_mac(keyring, contact_id, word))
