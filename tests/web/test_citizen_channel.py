import pytest

from bot.core.channels import SendError
from bot.core.messages import OutboundMsg
from bot.handlers.webchat import WebChannel
from bot.web.forms import external_id


async def test_sending_wakes_whoever_has_the_page_open(world):
    channel = WebChannel(world.store, world.keyring, world.bus)
    async with world.client() as client:
        await client.get("/")
        await client.post("/", data={"t": "سلام"})
        address = external_id(client.cookies["s"])
        with world.bus.subscribe(f"contact:{world.contact_id()}") as hints:
            sent = await channel.send(OutboundMsg(key="1.1", external_id=address, text="پاسخ"))

            assert await hints.wait(5)
    assert sent.provider_message_id == "1.1"


async def test_an_address_nobody_has_is_a_final_error(world):
    channel = WebChannel(world.store, world.keyring, world.bus)

    with pytest.raises(SendError) as refused:
        await channel.send(OutboundMsg(key="1.1", external_id="f" * 64, text="پاسخ"))
    assert (refused.value.code, refused.value.retryable) == ("no_such_address", False)


async def test_nothing_of_ours_lies_in_the_browser_so_all_is_deleted(world):
    channel = WebChannel(world.store, world.keyring, world.bus)

    assert await channel.delete("f" * 64, ("1.1", "1.2")) == 2
    await channel.close()
