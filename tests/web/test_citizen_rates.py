"""One browser or one address cannot keep the others waiting; a person never meets the limit."""

from bot.web.rates import ADDRESS, BROWSER, NEWCOMERS, Rates


class Ticks:
    now = 0.0

    def __call__(self):
        return self.now


def sent(rates, count, **who):
    return sum(rates.may_send(**who) for _ in range(count))


def test_a_browser_sends_some_at_once_and_then_one_a_second():
    ticks = Ticks()
    rates = Rates(ticks)

    assert BROWSER[0] == sent(rates, 100, token="a" * 43, address="1.1.1.1")
    ticks.now += 3
    assert 3 == sent(rates, 100, token="a" * 43, address="1.1.1.1")
    assert BROWSER[0] == sent(rates, 100, token="b" * 43, address="1.1.1.1")


def test_an_address_that_makes_up_browsers_is_bounded_and_others_are_not_held_up():
    ticks = Ticks()
    rates = Rates(ticks)

    assert ADDRESS[0] == sum(rates.may_send(token=f"{n:043}", address="1.1.1.1") for n in range(5_000))
    assert rates.may_send(token="x" * 43, address="2.2.2.2")
    assert NEWCOMERS[0] == sent(rates, 1_000, token="", address="3.3.3.3")
    ticks.now += 1
    assert NEWCOMERS[1] == sent(rates, 1_000, token="", address="3.3.3.3")


def test_what_is_remembered_is_bounded():
    rates = Rates(Ticks())
    for number in range(30_000):
        rates.may_send(token="", address=f"10.{number >> 8}.{number & 255}")

    assert len(rates._buckets) <= 20_000


async def test_who_sends_too_fast_is_told_that_nothing_arrived_and_whom_to_call(world):
    async with world.client() as browser:
        await browser.get("/")
        for number in range(BROWSER[0]):
            assert 303 == (await browser.post("/", data={"t": f"پیام {number}"})).status_code
        refused = await browser.post("/", data={"t": "یکی بیشتر"})

        assert (503, True) == (refused.status_code, "Retry-After" in refused.headers)
        assert all(number in refused.text for number in ("110", "115", "123"))
        assert BROWSER[0] == len(world.inbox.received)
        world.clock.advance(2)
        assert 303 == (await browser.post("/", data={"t": "یکی بیشتر"})).status_code
