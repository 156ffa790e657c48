"""What a log line lets through by its form: codes and numbers, never an address or a token."""

import io
import json

import pytest

from bot.telemetry import JsonLog


def logged(**keys):
    """Give what one line says under the keys."""
    out = io.StringIO()
    JsonLog(out).error("event", **keys)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    "secret",
    [
        "+989121112233",
        "09121112233",
        "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst",
        "سلام",
        "two words",
    ],
)
def test_a_number_a_token_and_a_text_are_withheld_under_an_allowed_key(secret):
    assert logged(code=secret)["code"] == "[withheld]"


@pytest.mark.parametrize(
    "code", ["status_403", "sender:telegram", "twilio.py:103", "another_poller_or_a_webhook_holds_this_bot"]
)
def test_a_code_and_a_place_are_told(code):
    assert logged(code=code)["code"] == code


def test_what_fell_due_is_named_by_its_kind_and_an_unknown_key_is_dropped():
    assert (logged(kind="retention", body="x")["kind"], "body" in logged(body="x")) == ("retention", False)
