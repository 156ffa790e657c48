"""Bale: Telegram's language with its own gaps. Same channel, other capabilities.

Source: docs.bale.ai, read 2026-11 (domain.md §6.2): setWebhook takes a url only and no secret is sent back, so the
webhook's path is the secret; Markdown is always parsed; a press must always be answered; two days' messages only.
"""

import hashlib
import hmac

from bot.core.clock import Clock
from bot.handlers.telegram import Capabilities, Telegram

BALE = Capabilities(
    name="bale",
    sends_secret_header=False,
    protects_content=False,
    hides_link_preview=False,
    deletes_many=False,
    deletes_hers=False,  # nothing is said of it there
    filters_updates=False,
    parses_markdown=True,
)


def bale(*, token: str, api: str, clock: Clock) -> Telegram:
    """Give the channel of one Bale bot."""
    return Telegram(token=token, api=api, clock=clock, capabilities=BALE)


def bale_path(token: str) -> str:
    """Give the webhook's path: 256 bits that only the token's holder can work out, so no second secret is kept."""
    return f"/hooks/bale/{hmac.new(token.encode('utf-8'), b'bale webhook path', hashlib.sha256).hexdigest()}"
