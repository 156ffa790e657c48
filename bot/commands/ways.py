"""Which ways to people are configured, and what each needs. A provider's library is imported only when it is."""

from collections.abc import Callable

from starlette.routing import BaseRoute

from bot.handlers.hooks import Door
from bot.service import Service
from bot.settings import SettingsError


def add_channels(service: Service) -> list[BaseRoute]:
    """Wire every configured channel; give the routes that providers call."""
    settings = service.settings
    wanted: tuple[tuple[str, Callable[[Service], list[BaseRoute]]], ...] = (
        (settings.telegram_token, _telegram),
        (settings.bale_token, _bale),
        (settings.twilio_account, _twilio),
        (settings.rasa_token, _rasa),
    )
    routes: list[BaseRoute] = []
    for configured, add in wanted:
        if configured:
            routes.extend(add(service))
    return routes


def door_of(service: Service) -> Door:
    """Give what a way in needs."""
    core = service.core
    return Door(inbox=core.inbox, store=core.store, bus=core.bus, clock=core.clock, log=service.log, beats=core.beats)


def _telegram(service: Service) -> list[BaseRoute]:
    from bot.handlers.telegram import Telegram, telegram_routes  # noqa: PLC0415 - takes seconds to import
    from bot.handlers.telegram_poller import Poller  # noqa: PLC0415
    from bot.handlers.telegram_webhook import WebhookKeeper  # noqa: PLC0415

    settings, core = service.settings, service.core
    channel = Telegram(token=settings.telegram_token, api=settings.telegram_api, clock=core.clock)
    service.add_channel(channel)
    if not (settings.base_url and settings.telegram_secret):
        if "polls" in service.duties:
            service.loops.append(Poller(channel, door_of(service), holder=service.process.holder).run())
        return []
    path = f"/hooks/telegram/{channel.bot_id}"
    url = settings.base_url.rstrip("/") + path
    if "polls" in service.duties:
        service.loops.append(WebhookKeeper(channel, door_of(service), url=url, secret=settings.telegram_secret).run())
    return [*telegram_routes(channel, door_of(service), path=path, secret=settings.telegram_secret)]


def _bale(service: Service) -> list[BaseRoute]:
    from bot.handlers.bale import bale, bale_path  # noqa: PLC0415
    from bot.handlers.telegram import telegram_routes  # noqa: PLC0415
    from bot.handlers.telegram_poller import Poller  # noqa: PLC0415
    from bot.handlers.telegram_webhook import WebhookKeeper  # noqa: PLC0415

    settings, core = service.settings, service.core
    channel = bale(token=settings.bale_token, api=settings.bale_api, clock=core.clock)
    service.add_channel(channel)
    if not settings.base_url:
        if "polls" in service.duties:
            service.loops.append(Poller(channel, door_of(service), holder=service.process.holder).run())
        return []
    path = bale_path(settings.bale_token)  # unguessable: Bale sends no secret header
    url = settings.base_url.rstrip("/") + path
    if "polls" in service.duties:
        service.loops.append(WebhookKeeper(channel, door_of(service), url=url, secret="").run())
    return [*telegram_routes(channel, door_of(service), path=path, secret="")]


def _twilio(service: Service) -> list[BaseRoute]:
    from bot.handlers.twilio import Twilio, twilio_routes  # noqa: PLC0415
    from bot.handlers.twilio_catchup import CatchUp  # noqa: PLC0415

    settings = service.settings
    if not (settings.twilio_token and settings.twilio_number and settings.base_url):
        raise SettingsError("SMS needs PANAH_TWILIO_TOKEN, PANAH_TWILIO_NUMBER and PANAH_BASE_URL as well")
    channel = Twilio(
        account=settings.twilio_account,
        token=settings.twilio_token,
        number=settings.twilio_number,
        api=settings.twilio_api,
        base_url=settings.base_url,
        clock=service.core.clock,
    )
    service.add_channel(channel)
    if "polls" in service.duties:
        service.loops.append(CatchUp(channel, door_of(service)).run())
    return [*twilio_routes(channel, door_of(service))]


def _rasa(service: Service) -> list[BaseRoute]:
    from bot.handlers.rasa import RasaChannel, rasa_routes  # noqa: PLC0415

    service.add_channel(RasaChannel())
    return [*rasa_routes(door_of(service), service.core.keyring, token=service.settings.rasa_token)]
