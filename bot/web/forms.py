"""What a posted form of the citizen's page means, and the address it comes from.

A form is read by hand: whatever bytes a stranger posts become words, a press or an UnreadableInput, never an error.
"""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from bot.core.messages import READ_CHARS_MAX, Input, Press, PressInput, TextInput, UnreadableInput, text_input

#: The channel's name.
WEB = "web"
#: What the start button says in her name.
START = "سلام"

_FIELDS_MAX = 20
#: How many bytes of each field are read: of her words as many as are screened for danger (a letter may be «%F0%9F%98%80»),
#: of the others what they may hold. Decoding a megabyte of escapes would hold everybody else up.
_BYTES_READ = {b"t": 12 * READ_CHARS_MAX, b"p": 1024, b"w": 4096, b"n": 256, b"a": 64, b"l": 64}
#: An escape («%D8») that a cut left unfinished, and the bytes that a letter has at most.
_TORN_ESCAPE = re.compile(rb"%[0-9A-Fa-f]?$")
_LETTER_BYTES_MAX = 4
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageForm:
    """What the page posts: words, a pressed option, the code word, and the id that makes a retry a retry."""

    text: str = ""
    press: str = ""
    word: str = ""
    message_id: str = ""
    after: int = 0  #: the newest message the page shows
    language: str = ""  #: the language of the frame that it was sent from, where it was not Persian


def read_form(body: bytes) -> PageForm:
    """Read a posted form; the first of a name counts, unknown names are passed over."""
    found: dict[bytes, str] = {}
    for pair in body.split(b"&", _FIELDS_MAX)[:_FIELDS_MAX]:
        name, _, value = pair.partition(b"=")
        if name in _BYTES_READ and name not in found:
            found[name] = _clean(_cut(value, _BYTES_READ[name]))
    message_id = found.get(b"n", "")
    return PageForm(
        text=found.get(b"t", "").strip(),
        press=found.get(b"p", ""),
        word=found.get(b"w", "").strip(),
        message_id=message_id if _MESSAGE_ID.fullmatch(message_id) else "",
        after=number(found.get(b"a", "")),
        language=found.get(b"l", ""),
    )


def _cut(value: bytes, most: int) -> bytes:
    """Give the bytes of a field, of a very long one the beginning: no letter is torn, or all would read as nonsense."""
    if len(value) <= most:
        return unquote_to_bytes(value.replace(b"+", b" "))
    raw = unquote_to_bytes(_TORN_ESCAPE.sub(b"", value[:most]).replace(b"+", b" "))
    for torn in range(_LETTER_BYTES_MAX):
        with suppress(UnicodeDecodeError):
            raw[: len(raw) - torn].decode()
            return raw[: len(raw) - torn]
    return raw


def form_input(form: PageForm) -> Input | None:
    """Give what a form means; None when it holds nothing."""
    if form.press == "start":
        return TextInput(START)
    if form.press:
        press = Press.decode(form.press)
        return PressInput(press) if press else UnreadableInput("press")
    if form.text:
        return text_input(form.text)
    return None


def number(raw: str) -> int:
    """Read a message number of the page; 0 for anything else."""
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 19 else 0


def provider_id(address: str, form: PageForm, message_id: str) -> str:
    """Give the id that dedupes a retry of one form.

    The words count too: a browser may bring a sent page back with its old id, and what she writes then is a new
    message, which must not be taken for a copy of the first.
    """
    parts = (address, message_id, form.text, form.press)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def external_id(token: str) -> str:
    """Give the address that belongs to a browser's secret; the secret itself is stored nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()


def _clean(raw: bytes) -> str:
    """Decode UTF-8, or the old Persian code page that some cheap phones still post; drop what is no text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1256", "replace")
    return _NOT_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
