import asyncio
import logging
from datetime import timedelta

import pytest
from fakes.twilio_api import SMS_PATH, Failure, FakeTwilio, sign
from fakes.waiting import until

from bot.core.channels import SendError
from bot.core.clock import SystemClock
from bot.core.messages import Button, InboundMsg, MediaInput, OutboundMsg, TextInput
from bot.handlers.hooks import Door
from bot.handlers.receipts import apply_receipt
from bot.handlers.sms import economical, pages, parts
from bot.handlers.twilio import _PAGES_MAX, Twilio, twilio_routes
from bot.handlers.twilio_catchup import CatchUp
from bot.inbox import OverloadedError

ACCOUNT = "AC" + "0" * 32
TOKEN = "canary-auth-token"
HERS = "+989120000001"
PUBLIC = "https://panah.example"


@pytest.fixture
async def server():
    async with FakeTwilio(account=ACCOUNT, token=TOKEN, number="+15005550006") as server:
        yield server
        assert server.problems == []


@pytest.fixture
async def channel(server):
    channel = Twilio(
        account=ACCOUNT, token=TOKEN, number=server.number, api=server.url, base_url=PUBLIC, clock=SystemClock()
    )
    yield channel
    await channel.close()


@pytest.fixture
async def she(server, channel, door, serve):
    server.reach(PUBLIC, await serve(twilio_routes(channel, door)))
    return server.phone(HERS)


def outbound(text="سلام", *, kind="reply", external_id=HERS, key="s1:1", buttons=()):
    return OutboundMsg(key=key, external_id=external_id, text=text, kind=kind, buttons=buttons)


async def test_an_sms_is_accepted_once_and_answered_with_empty_twiml(she, inbox):
    assert await she.write("سلام کمک") == 200

    message = inbox.accepted[0]
    assert (message.channel, message.external_id, message.input) == ("sms", HERS, TextInput("سلام کمک"))
    assert message.provider_id == "SM" + "1".zfill(32)
    assert b"MessageSid" in message.raw


async def test_a_picture_without_words_is_media(she, inbox):
    await she.write("", NumMedia="1", MediaContentType0="image/jpeg")
    await she.write(" ", NumMedia="1", MediaContentType0="text/vcard")

    assert inbox.inputs == [MediaInput("photo"), MediaInput("document")]


async def test_a_companys_name_is_nobody_to_answer(server, she, inbox, store):
    assert await server.phone("Hamrah").write("تبلیغ") == 200

    assert inbox.accepted == []
    rows = await store.read(lambda db: db.exec_driver_sql("SELECT channel, kind, state FROM inbox").fetchall())
    assert rows == [("sms", "ignored", "done")]


async def test_a_full_inbox_is_told_as_busy(she, inbox):
    inbox.full = True

    assert await she.write("سلام") == 503


async def test_a_webhook_with_a_wrong_signature_stores_nothing(server, she, inbox):
    fields = {"MessageSid": "SM" + "1" * 32, "From": HERS, "Body": "x"}
    url = PUBLIC + SMS_PATH
    good = sign(TOKEN, url, fields)

    for wrong in ("", "x", good[:-2] + "A=", sign("other", url, fields), sign(TOKEN, url + "?a=1", fields), "é" * 28):
        assert await server.post(url, fields, signature=wrong) == 403
    tampered = {**fields, "From": "+989120000002"}
    assert await server.post(url, tampered, signature=good) == 403
    assert await server.post(url, {f"f{n}": "x" for n in range(200)}, signature=good) == 403

    assert inbox.accepted == []
    assert await server.post(url, fields, signature=good) == 200


async def test_a_text_goes_out_in_at_most_two_parts_without_its_buttons(server, channel):
    sent = await channel.send(
        outbound("یک جمله‌ی دراز درباره‌ی کمک گرفتن. " * 9 + "\n1 بله\n2 نه", buttons=(Button("بله", "p|a|b|1|y"),))
    )

    message = server.messages[sent.provider_message_id]
    assert parts(message["body"]) == 2
    assert message["body"].endswith("\n1 بله\n2 نه")
    assert server.calls[0]["StatusCallback"] == f"{PUBLIC}/hooks/twilio/status?key=s1%3A1"


LONG = "\n".join(f"جمله‌ی شماره‌ی {n} از چیزی که مشاور می‌نویسد." for n in range(8))


@pytest.mark.parametrize("kind", ["live", "proactive"])
async def test_a_counsellors_long_text_goes_on_in_a_next_sms(server, channel, kind):
    sent = await channel.send(outbound(LONG, kind=kind, key="live:c1:12345678"))

    assert "\n".join(server.phone(HERS).texts) == LONG.replace("\u200c", "")
    assert sent.provider_message_id == ",".join(server.messages)


async def test_a_counsellors_text_that_breaks_off_is_not_called_sent_and_a_retry_goes_on_where_it_stopped(
    server, channel
):
    server.fail(None, Failure(status=503, code=20500))
    text = outbound(LONG, kind="live", key="live:c1:12345678")
    with pytest.raises(SendError) as caught:
        await channel.send(text)
    assert caught.value.retryable
    assert 1 == len(server.messages)

    sent = await channel.send(text)

    assert "\n".join(server.phone(HERS).texts) == LONG.replace("\u200c", "")
    assert sent.provider_message_id == ",".join(server.messages)


def test_the_longest_text_of_a_counsellor_loses_nothing():
    text = ("سرپناه امن، خیابان شهید رجایی، پلاک ۱۲، زنگ دوم. " * 100)[: 4096 - 5] + "پایان"

    found = pages(text, _PAGES_MAX)

    assert all(parts(page) <= 2 for page in found)
    assert economical(text).split() == " ".join(found).split()


@pytest.mark.parametrize(
    ("failure", "code", "retryable"),
    [
        (Failure(status=400, code=21610), "blocked_by_contact", False),
        (Failure(status=400, code=21211), "no_such_address", False),
        (Failure(status=400, code=21614), "no_such_address", False),
        (Failure(status=400, code=21605), "rejected", False),
        (Failure(status=401, code=20003), "not_configured", True),
        (Failure(status=429, code=20429), "throttled", True),
        (Failure(status=503, code=20500), "unavailable", True),
        (Failure(after_accept=True), "unavailable", True),
    ],
)
async def test_each_refusal_has_our_word_for_it(server, channel, failure, code, retryable):
    server.fail(failure)

    with pytest.raises(SendError) as caught:
        await channel.send(outbound())

    assert (caught.value.code, caught.value.retryable) == (code, retryable)


async def test_what_is_no_number_is_refused_without_a_call(server, channel):
    with pytest.raises(SendError):
        await channel.send(outbound(external_id="web-session"))

    assert server.calls == []


async def test_neither_number_nor_token_reaches_a_log_or_an_error(server, channel, caplog):
    caplog.set_level(logging.DEBUG)
    server.fail(Failure(status=400, code=21211))
    with pytest.raises(SendError) as caught:
        await channel.send(outbound("راز"))
    await channel.send(outbound("راز"))

    assert HERS not in caplog.text + repr(caught.value)
    assert TOKEN not in caplog.text
    assert "راز" not in caplog.text


@pytest.fixture
async def sent_row(store):
    def add(tx):
        tx.raw.execute(
            "INSERT INTO outbox (key, contact_id, address_id, channel, kind, state, created_at, due_at, expires_at,"
            " provider_message_id, receipt) VALUES ('s1:1', 'c1', 'a1', 'sms', 'reply', 'sent', 0, 0, 9, ?, 'sent')",
            ("SM" + "1".zfill(32),),
        )
        tx.raw.execute(
            "INSERT INTO cases (id, code, contact_id, session_id, channel, tier, kinds, cause, desk, state, opened_at,"
            " queued_at, changed_at) VALUES ('k1', '12345', 'c1', 's1', 'sms', 'T1', '[]', 'words', 'EOC', 'queued',"
            " 0, 0, 0)"
        )

    await store.write(add)

    async def state():
        return await store.read(
            lambda db: db.exec_driver_sql("SELECT receipt, unreachable_at IS NOT NULL FROM outbox, cases").fetchone()
        )

    return state


async def test_receipts_move_a_message_forward_and_a_failure_flags_the_case(server, channel, she, sent_row):
    sid = (await channel.send(outbound())).provider_message_id

    assert await server.report(sid, "queued") == 204
    assert await sent_row() == ("sent", 0)
    assert await server.report(sid, "undelivered") == 204
    assert await sent_row() == ("failed", 1)
    await server.report(sid, "delivered")
    await server.report(sid, "sent")
    await server.report(sid, "undelivered")
    assert await sent_row() == ("delivered", 1)


async def test_forged_receipts_change_nothing(server, channel, she, sent_row, store):
    sid = (await channel.send(outbound())).provider_message_id

    assert await server.report(sid, "delivered", signature="forged") == 403

    for key, other in (("s1:1", "SM" + "f" * 32), ("unknown", sid)):
        moved = await store.write(
            lambda tx, key=key, other=other: apply_receipt(
                tx, key=key, provider_message_id=other, status="delivered", now_ms=1
            )
        )
        assert not moved
    assert await sent_row() == ("sent", 0)


async def test_what_a_lost_webhook_left_behind_is_caught_up_in_order(server, channel, door, she, inbox):
    await she.write("یک")
    await she.write("دو", deliver=False)
    await she.write("سه", deliver=False)
    await channel.send(outbound("جواب"))

    await CatchUp(channel, door).look()
    await CatchUp(channel, door).look()

    assert inbox.inputs == [TextInput("یک"), TextInput("دو"), TextInput("سه")]
    assert all(SystemClock().now() - message.received_at < timedelta(minutes=1) for message in inbox.accepted)


async def test_the_oldest_of_a_long_outage_is_caught_up_behind_a_page_that_is_known(server, channel, door, she, inbox):
    server.page_most = 2
    for number in range(5):
        await she.write(f"{number}", deliver=number > 2)

    await CatchUp(channel, door).look()

    assert {one.text for one in inbox.inputs} == {"0", "1", "2", "3", "4"}


async def test_a_list_that_is_cut_short_is_told_in_numbers(channel, door, she, inbox, log_lines):
    channel.catch_up_most = 2
    for number in range(3):
        await she.write(f"{number}", deliver=False)

    await CatchUp(channel, door).look()

    assert inbox.inputs == [TextInput("1"), TextInput("2")]
    assert [(line["event"], line["count"]) for line in log_lines] == [("catch_up_is_cut_short", 2)]


async def test_catching_up_outlives_a_full_inbox_and_goes_on(channel, door, she, inbox, log_lines):
    inbox.full = True
    await she.write("یک", deliver=False)
    task = asyncio.create_task(CatchUp(channel, door, every_s=0.01).run())
    await until(lambda: log_lines)
    inbox.full = False
    await until(lambda: inbox.accepted)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert {line["code"] for line in log_lines} == {"OverloadedError"}
    assert inbox.inputs == [TextInput("یک")]


class Listed:
    """A channel whose list has so many messages of different people; the last one is a cry."""

    catch_up_most = 20_000

    def __init__(self, core, count):
        texts = ["سلام"] * (count - 1) + ["شوهرم داره منو می‌کشه"]
        self.messages = [
            InboundMsg(
                channel="sms",
                external_id=f"+98912{number:07}",
                provider_id=f"SM{number:032x}",
                input=TextInput(text),
                received_at=core.clock.now(),
            )
            for number, text in enumerate(texts)
        ]

    async def arrived_since(self, _since, _now):
        return self.messages


@pytest.fixture
def real_door(core):
    return Door(inbox=core.inbox, store=core.store, clock=core.clock, log=core.log, bus=core.bus, beats=core.beats)


def numbers(core):
    return core.store.read_now(lambda db: db.exec_driver_sql("SELECT count(*) FROM inbox").scalar_one())


async def test_more_than_there_is_room_for_is_caught_up_in_portions(core, real_door):
    core.inbox.room._size = 60
    catch_up = CatchUp(Listed(core, 130), real_door)

    assert await catch_up.look() == 130
    assert await catch_up.look() == 0
    assert numbers(core) == 130


async def test_what_is_known_is_not_offered_again(core, real_door):
    await CatchUp(Listed(core, 130), real_door).look()
    core.inbox.room._size = 0  # any message that is offered now is refused

    assert await CatchUp(Listed(core, 130), real_door).look() == 0


async def test_a_refused_portion_does_not_hide_a_cry_behind_it(core, real_door):
    core.inbox.room._size = 1
    with pytest.raises(OverloadedError):
        await CatchUp(Listed(core, 60), real_door).look()

    assert numbers(core) == 1


async def test_a_wrong_account_is_told_in_our_word(server, door, log_lines):
    channel = Twilio(
        account=ACCOUNT, token="wrong", number=server.number, api=server.url, base_url="", clock=SystemClock()
    )
    with pytest.raises(SendError) as caught:
        await CatchUp(channel, door).look()
    await channel.close()

    assert (caught.value.code, caught.value.ours) == ("not_configured", True)
