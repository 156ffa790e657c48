"""Encryption of everything a person wrote, and the keyed index that finds her address without knowing it.

A key file outside the database holds the wrapping key, the index key and the signing key. Each contact has a data
key of its own, wrapped by the wrapping key; sealing is AES-256-GCM with a random 96-bit nonce and the place of the
value (table, column) as associated data, so a ciphertext moved to another column does not open. Erasing a contact is
destroying her wrapped key.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.core.ids import RandomPieces

_NONCE_BYTES = 12
_WRAPPED = b"contacts.wrapped_key"


class UnreadableError(Exception):
    """This value cannot be opened: the key is another one, or it was changed."""


class KeyFileError(Exception):
    """The key file is missing or damaged; without it nothing that people wrote can be read."""


class DataKey:
    """A contact's own key, ready to seal and open."""

    __slots__ = ("_aead", "_encrypt", "_nonce")

    def __init__(self, raw: bytes, nonce: Callable[[], bytes]) -> None:
        self._aead = AESGCM(raw)
        self._encrypt = self._aead.encrypt
        self._nonce = nonce

    def seal(self, place: bytes, plain: bytes) -> bytes:
        """Encrypt `plain` for one place, such as b"messages.body"."""
        nonce = self._nonce()
        return nonce + self._encrypt(nonce, plain, place)

    def open(self, place: bytes, sealed: bytes) -> bytes:
        """Decrypt what was sealed for that place.

        Raises:
            UnreadableError: wrong key, wrong place or changed bytes.
        """
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise UnreadableError from error


@dataclass(frozen=True, slots=True)
class _Secrets:
    key_id: str
    wrapping: bytes
    index: bytes
    signing: bytes
    retired: tuple[bytes, ...] = ()  #: wrapping keys that still open what was not wrapped anew yet


class Keyring:
    """The keys of this installation."""

    def __init__(self, secrets: _Secrets, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self.key_id = secrets.key_id
        self._wrapping = AESGCM(secrets.wrapping)
        self._retired = tuple(AESGCM(raw) for raw in secrets.retired)
        self._index = secrets.index
        self._signing = secrets.signing
        self._random = random_bytes
        self._nonce = RandomPieces(_NONCE_BYTES, random_bytes)

    def new_data_key(self) -> tuple[bytes, DataKey]:
        """Make a contact's key: its wrapped form for the database, and the key itself."""
        raw = self._random(32)
        nonce = self._nonce()
        wrapped = nonce + self._wrapping.encrypt(nonce, raw, _WRAPPED)
        return wrapped, DataKey(raw, self._nonce)

    def unwrap(self, wrapped: bytes) -> DataKey:
        """Give back a contact's key.

        Raises:
            UnreadableError: it was wrapped by another installation's key.
        """
        return DataKey(self._open(_WRAPPED, wrapped), self._nonce)

    def rewrap(self, wrapped: bytes) -> bytes | None:
        """Wrap a contact's key by the current wrapping key; None when it is already.

        Raises:
            UnreadableError: no key of ours opens it.
        """
        if _opened(self._wrapping, _WRAPPED, wrapped) is not None:
            return None
        raw, nonce = self._open(_WRAPPED, wrapped), self._nonce()
        return nonce + self._wrapping.encrypt(nonce, raw, _WRAPPED)

    def adopt(self, other: "Keyring") -> None:
        """Go on with the wrapping keys of another keyring of this installation, in the middle of everything."""
        self._retired = (*other._retired, *self._retired, self._wrapping)  # nobody meets a moment without the old one  # noqa: SLF001 - one of our own class
        self._wrapping, self.key_id = other._wrapping, other.key_id  # noqa: SLF001 - one of our own class
        self._retired = other._retired  # noqa: SLF001 - one of our own class

    def open_also(self, other: "Keyring") -> None:
        """Open what another key file of this installation wrapped, too: a backup from before a change of the key."""
        self._retired = (*self._retired, other._wrapping, *other._retired)  # noqa: SLF001 - one of our own class

    @property
    def has_retired(self) -> bool:
        """True while something may still be wrapped by an older key."""
        return bool(self._retired)

    def is_same_installation(self, other: "Keyring") -> bool:
        """True when both key files are of one installation: index and signing key never change."""
        return hmac.compare_digest(self._index, other._index) and hmac.compare_digest(self._signing, other._signing)  # noqa: SLF001 - one of our own class

    def seal_own(self, place: bytes, plain: bytes) -> bytes:
        """Encrypt a secret of the installation itself for one place, such as b"staff_factors.secret|<account>"."""
        nonce = self._nonce()
        return nonce + self._wrapping.encrypt(nonce, plain, place)

    def open_own(self, place: bytes, sealed: bytes) -> bytes:
        """Decrypt what `seal_own` sealed for that place.

        Raises:
            UnreadableError: another key, another place, or changed bytes.
        """
        return self._open(place, sealed)

    def _open(self, place: bytes, sealed: bytes) -> bytes:
        for key in (self._wrapping, *self._retired):
            plain = _opened(key, place, sealed)
            if plain is not None:
                return plain
        raise UnreadableError

    def address_index(self, channel: str, external_id: str) -> str:
        """Give the blind index of an address: equal addresses, equal index; nothing else can be learnt."""
        return hmac.new(self._index, f"{channel}|{external_id}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    @property
    def audit_key(self) -> bytes:
        """The key of the audit's chain. It stays when the wrapping key is changed."""
        return self.sign("audit", b"chain")

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Give a keyed digest for one purpose (tokens, safe words)."""
        return hmac.new(self._signing, purpose.encode() + b"|" + message, "sha256").digest()


def _opened(key: AESGCM, place: bytes, sealed: bytes) -> bytes | None:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        return None


def ephemeral_keyring(random_bytes: Callable[[int], bytes] = os.urandom) -> Keyring:
    """Make keys that live only in memory (replay, tests)."""
    return Keyring(_Secrets("ephemeral", random_bytes(32), random_bytes(32), random_bytes(32)), random_bytes)


def load_keyring(path: Path) -> Keyring:
    """Read the key file.

    Raises:
        KeyFileError: it is not there or cannot be understood.
    """
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        wrapping, index, signing = (bytes.fromhex(found[name]) for name in ("wrapping", "index", "signing"))
        retired = tuple(bytes.fromhex(raw) for raw in found.get("retired", {}).values())
        secrets = _Secrets(found["key_id"], wrapping, index, signing, retired)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyFileError(f"cannot read the key file {path.name}: restore it from its escrow copy") from error
    return Keyring(secrets)


def create_key_file(path: Path) -> None:
    """Write a fresh key file, readable by its owner only, durable before it returns. Refuses to replace one.

    It gets its name when it is whole: who starts beside us never reads half of one.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {name: os.urandom(32).hex() for name in ("wrapping", "index", "signing")}
    content["key_id"] = hashlib.sha256(bytes.fromhex(content["wrapping"])).hexdigest()[:12]
    staging = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        _name(staging, path)
    finally:
        staging.unlink(missing_ok=True)


def _name(staging: Path, path: Path) -> None:
    try:
        os.link(staging, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links (a memory stick)
        if path.exists():
            raise FileExistsError(path) from None
        staging.rename(path)
