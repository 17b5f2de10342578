"""The watchdog by the file that it writes: whether it lives, whether its calls get through, and whom it would tell if they did not."""

from pathlib import Path

from gateway import watchdog_status
from gateway.clock import MACHINE, Readings
from gateway.operations.doctor_reach import runs
from gateway.operations.finding import Finding, Findings, fail, ok, warn
from gateway.settings import Settings
from gateway.watchdog_settings import Watchdog
from gateway.watchdog_status import SILENT_AFTER_S, Watched


def watchdog(settings: Settings, clocks: Readings = MACHINE) -> Findings:
    """Nothing is asked of anybody: it makes its calls by itself."""
    own, folder = settings.watchdog, Path(settings.data)
    if not own.every_s:
        yield warn("watchdog", "there is none (watchdog.every_s is 0): nobody is told when calls do not get through")
        return
    if runs(folder):
        watched = watchdog_status.read(folder)
        fresh = watched is not None and watched.boot_id == clocks.boot_id()
        yield _seen(watched if fresh else None, own, clocks)
        if watched is not None and fresh:
            for name, sentence in sorted(watched.channels.items()):
                yield fail(f"watchdog: {name}", sentence.en)
            for way, problem in sorted(watched.ways.items()):
                if problem:
                    yield fail(f"watchdog: {way}", f"its own way takes nothing: {problem}")
    yield _ways(own)


def _seen(watched: Watched | None, own: Watchdog, clocks: Readings) -> Finding:
    if watched is None:
        return warn("watchdog", "not yet run: it has written nothing since the machine was started")
    silent_s = clocks.boottime() - watched.spoke_boottime
    if silent_s > SILENT_AFTER_S:
        return fail("watchdog", f"it has not spoken for {silent_s:.0f} s: `systemctl restart anju`, and see its log")
    if watched.missing is not None:
        return fail("watchdog", watched.missing.en)
    if not watched.ran:
        return warn("watchdog", f"not yet run since the start: its first call comes within {own.every_s} s")
    took = "" if watched.last_took_s is None else f" in {1000 * watched.last_took_s:.0f} ms"
    since = clocks.boottime() - (watched.last_seen_boottime or 0.0)
    counts = f"{watched.seen:,} seen, {watched.missed:,} missed"
    return ok("watchdog", f"its last call came out on the stream{took}, {since:.0f} s ago ({counts})")


def _ways(own: Watchdog) -> Finding:
    ways = [name for name, there in (("webhook", own.webhook), ("email", own.email), ("siren", own.siren)) if there]
    if not ways:
        return warn("watchdog's ways", "none of its own ([watchdog.webhook], .email, siren): when a call is lost, the pages alone say so")
    return ok("watchdog's ways", f"when two calls are lost, it tells by {', '.join(ways)}")
