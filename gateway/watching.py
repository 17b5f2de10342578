"""The watchdog, put together: its own ways out, the channels of notifications that it looks after, and how it ends."""

import asyncio
import logging
import os
import signal
import ssl
from pathlib import Path

from gateway.children import still_alive
from gateway.clock import MACHINE
from gateway.notify.channel import Channel
from gateway.notify.settings import channels, load_notify
from gateway.problem import CommandFailed
from gateway.settings import Settings, reveal
from gateway.watchdog.channels import Probe
from gateway.watchdog.process import Watchdog
from gateway.watchdog.ways import Hook, Mail, Siren, Way, signing_key

log = logging.getLogger(__name__)

HUNG_S = 30.0


def watch(settings: Settings, began: float) -> None:
    """Until SIGTERM; it does not return. `began`: when the service was started, in seconds of the machine's uptime."""
    asyncio.run(_until_told(settings, began))


async def _until_told(settings: Settings, began: float) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    looked_after = _channels(settings)
    watchdog = Watchdog(settings, began, ways(settings), {way.name: Probe(way.kind, way.reach) for way in looked_after})
    running = {asyncio.create_task(watchdog.run(), name="watchdog"), asyncio.create_task(_beat(), name="alive")}
    stop = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait({*running, stop}, return_when=asyncio.FIRST_COMPLETED)
    for task in done - {stop}:
        task.result()  # a bug of ours: end, and be started again
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for way in looked_after:
        await way.close()
    os._exit(0)  # a call that is under way hangs on a thread, and nobody waits for it


async def _beat() -> None:
    while True:
        still_alive(HUNG_S)
        await asyncio.sleep(1)


def ways(settings: Settings) -> list[Way]:
    """Its own; one whose secret cannot be had is told, and the others are there all the same."""
    found = list[Way]()
    for name, make in (("webhook", _hook), ("e-mail", _mail)):
        try:
            way = make(settings)
        except (ValueError, OSError) as problem:
            log.error("the watchdog has no %s: %s", name, problem)  # noqa: TRY400 - the sentence says it all
        else:
            found += [way] if way is not None else []
    if settings.watchdog.siren:
        found.append(Siren(Path(settings.watchdog.siren)))
    return found


def _hook(settings: Settings) -> Way | None:
    own = settings.watchdog.webhook
    if own is None:
        return None
    key = signing_key(reveal(own.secret, Path("/"), os.environ))
    return Hook(own.url, key, _trust(own.ca), MACHINE.wall)


def _mail(settings: Settings) -> Way | None:
    own = settings.watchdog.email
    if own is None:
        return None
    password = reveal(own.password, Path("/"), os.environ) if own.password else ""
    return Mail(own, password, _trust(own.ca))


def _trust(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca or None)


def _channels(settings: Settings) -> tuple[Channel, ...]:
    """Those of notifications, to be looked after. What is wrong with them the alarm process says."""
    if not settings.notify:
        return ()
    path = Path(settings.notify)
    try:
        return channels(load_notify(path), path, wall=MACHINE.wall, zone=settings.zone, environment=os.environ)
    except CommandFailed as problem:
        log.warning("the channels are not looked after: %s", problem)
        return ()
