"""What this process keeps, and how long: closed alerts with all that was said of them, its own calls, what could not be read, looks.

Everything goes in small pieces, so that nobody at the desk waits behind a night's work; what fails is owed and tried again.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta

from alerting.terms import Origin
from gateway.jobs import Job
from gateway.settings import Settings
from gateway.web.users import Users
from gateway.web.views import Views

log = logging.getLogger(__name__)

YEAR = timedelta(days=365.25)
LOOKS_KEPT = 3 * YEAR
"""Who looked at whose record: PIPL art. 56 asks for three years."""
QUARANTINE_KEPT = timedelta(days=90)
"""Long enough for a vendor to mend it; a message nobody could read may hold anything."""
SELF_CHECKS_KEPT = timedelta(days=2)
"""The watchdog's calls: over a thousand a day, and nobody's."""
PIECE = 200
BREATH_S = 0.02


def jobs(settings: Settings, views: Views, users: Users, now: Callable[[], datetime]) -> list[Job]:
    """Each of its own, so that one that fails holds up no other. `now` decides what is old: it must not run ahead of the world."""
    kept, at = settings.retention, settings.calendar.retention_at

    async def alerts(_: date) -> None:
        before = now() - kept.alerts_years * YEAR
        gone = await _in_pieces(lambda: views.store.prune_alerts(before, PIECE))
        log.info("retention: %d closed alerts removed", gone)

    async def self_checks(_: date) -> None:
        before = now() - SELF_CHECKS_KEPT
        gone = await _in_pieces(lambda: views.store.prune_alerts(before, PIECE, Origin.SYNTHETIC))
        log.info("retention: %d of the service's own calls removed", gone)

    async def quarantine(_: date) -> None:
        gone = await views.prune_quarantine(now() - QUARANTINE_KEPT)
        log.info("retention: %d unreadable messages removed", gone)

    async def looks(_: date) -> None:
        before = now() - LOOKS_KEPT
        gone = await _in_pieces(lambda: users.prune_looks(before, PIECE))
        log.info("retention: %d looks at records removed", gone)

    return [Job("alerts", at, alerts), Job("self_checks", at, self_checks), Job("quarantine", at, quarantine), Job("looks", at, looks)]


async def _in_pieces(remove: Callable[[], int]) -> int:
    """Until a piece is empty."""
    gone = 0
    while piece := await asyncio.to_thread(remove):
        gone += piece
        await asyncio.sleep(BREATH_S)
    return gone
