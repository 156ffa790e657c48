"""Texts and buttons in the form Telegram and Bale take: parts of 4096 units, callback data of 64 bytes."""

from collections.abc import Sequence
from typing import Any

from bot.core.messages import Button

_TEXT_CHARS_MAX = 4096
_CALLBACK_BYTES_MAX = 64


def split_text(text: str) -> list[str]:
    """Cut a text into parts the provider takes, at a paragraph, a line or a space when there is one.

    Parts are counted in UTF-16 units, as the provider counts.
    """
    parts: list[str] = []
    rest = text
    while _units(rest) > _TEXT_CHARS_MAX:
        head = _head(rest)
        cut = max(head.rfind("\n\n"), head.rfind("\n") if head.rfind("\n\n") < len(head) // 2 else -1)
        if cut < len(head) // 2:
            cut = head.rfind(" ") if head.rfind(" ") >= len(head) // 2 else len(head)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest or not parts else parts


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _head(text: str) -> str:
    head = text[:_TEXT_CHARS_MAX]
    while _units(head) > _TEXT_CHARS_MAX:
        head = head[: len(head) - (_units(head) - _TEXT_CHARS_MAX + 1) // 2]
    return head


_MARKDOWN = str.maketrans({"*": "\u2217", "_": "\u2010", "`": "'", "[": "(", "]": ")"})


def without_markdown(text: str) -> str:
    """Replace the signs that a platform would read as formatting, whether we mean it or not."""
    return text.translate(_MARKDOWN)


def keyboard(buttons: Sequence[Button]) -> dict[str, Any] | None:
    """One button a row: Persian labels are long, phones narrow. Data beyond the limit would lose the whole message."""
    rows = [
        [{"text": button.label, "callback_data": button.data}]
        for button in buttons
        if 0 < len(button.data.encode("utf-8")) <= _CALLBACK_BYTES_MAX
    ]
    return {"inline_keyboard": rows} if rows else None
