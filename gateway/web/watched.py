"""When homes could not be heard, and why: a fold of the journal for the desk, in the words of people and in the figures of a month."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from alerting.heard_facts import HubLost, HubReturned
from alerting.items import LineLost, LineRestored, ServiceStarted
from alerting.registry_facts import HomeRetired
from alerting.terms import Sentence
from alerting.unheard import Cause, Deafness, Span
from devices.home import HomeId

GAPS_KEPT = 200
"""Of one home."""
TOLD_AT_LEAST = timedelta(minutes=1)
"""A shorter gap is in the figures, and is not told of a home: every restart of the service would be."""
TOLD_MOST = 50

Watching = ServiceStarted | LineLost | LineRestored | HubLost | HubReturned | HomeRetired
Records = dict[tuple[str, str], msgspec.Struct | None]

CAUSES = {
    Cause.SERVICE: Sentence("服务停机", "the service was down"),
    Cause.LINE: Sentence("与消息服务器的连接中断", "the line to the broker was cut"),
    Cause.HUB: Sentence("家庭网关离线", "the home's hub was offline"),
}


class HomeGaps(msgspec.Struct, frozen=True, array_like=True):
    """When a home's hub was away; `away_since`: it is."""

    away_since: datetime | None = None
    gaps: tuple[Span, ...] = ()


class Gap(msgspec.Struct, frozen=True):
    """`until` is None while it goes on."""

    since: datetime
    until: datetime | None
    cause: Cause

    def sentence(self, utc_offset_minutes: int) -> Sentence:
        """In local time; with its days where it does not begin and end on one."""
        since = self.since + timedelta(minutes=utc_offset_minutes)
        why = CAUSES[self.cause]
        if self.until is None:
            return Sentence(f"{since:%m-%d %H:%M} 起未能听到：{why.zh}", f"not heard since {since:%m-%d %H:%M} because {why.en}")
        until = self.until + timedelta(minutes=utc_offset_minutes)
        end = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%m-%d %H:%M}"
        return Sentence(
            f"{since:%m-%d %H:%M} 至 {end} 未能听到：{why.zh}", f"not heard from {since:%m-%d %H:%M} to {end} because {why.en}",
        )


class Watched:
    def __init__(self) -> None:
        self.service = Deafness()
        self.homes: dict[HomeId, HomeGaps] = {}
        """Those that ever were not heard."""

    # --- the fold ------------------------------------------------------------------------------------------------------------

    def apply(self, entry: Watching, at: datetime, changed: Records) -> None:
        """`at`: the service time of its commit."""
        match entry:
            case HubLost(home=home, since=since):
                self._put(home, HomeGaps(since, self.gaps(home).gaps), changed)
            case HubReturned(home=home):
                known = self.gaps(home)
                if known.away_since is not None:
                    gap = Span(known.away_since, entry.at, Cause.HUB)
                    gaps = known.gaps if gap in known.gaps else (*known.gaps, gap)
                    self._put(home, HomeGaps(None, gaps[-GAPS_KEPT:]), changed)
            case HomeRetired(home=home):
                if self.homes.pop(home, None) is not None:
                    changed["gaps", home] = None
            case _:
                self._service(entry, at)
                changed["deafness", ""] = msgspec.structs.replace(self.service, spans=list(self.service.spans))

    def _service(self, entry: ServiceStarted | LineLost | LineRestored, at: datetime) -> None:
        match entry:
            case ServiceStarted(deaf_since=since):
                if since is not None:
                    self.service.add(since, at)
            case LineLost(since=since):
                self.service.line_lost(since)
            case LineRestored():
                self.service.line_restored(at)

    def _put(self, home: HomeId, gaps: HomeGaps, changed: Records) -> None:
        self.homes[home] = changed["gaps", home] = gaps

    def load(self, kind: str, key: str, body: bytes) -> None:
        if kind == "deafness":
            self.service = msgspec.msgpack.decode(body, type=Deafness)
        else:
            self.homes[HomeId(key)] = msgspec.msgpack.decode(body, type=HomeGaps)

    def keys(self) -> Iterator[tuple[str, str]]:
        yield "deafness", ""
        yield from (("gaps", home) for home in self.homes)

    # --- reading -------------------------------------------------------------------------------------------------------------

    def gaps(self, home: HomeId) -> HomeGaps:
        return self.homes.get(home) or HomeGaps()

    def heard(self, home: HomeId) -> bool:
        """Whether the home can be heard now, as far as is known."""
        return self.service.line_lost_since is None and self.gaps(home).away_since is None

    def told(self, home: HomeId, since: datetime, now: datetime) -> list[Gap]:
        """The gaps of a home that people are told, the latest first."""
        known, line = self.gaps(home), self.service.line_lost_since
        open_ = [(line, Cause.LINE), (known.away_since, Cause.HUB)]
        found = [Gap(begun, None, cause) for begun, cause in open_ if begun is not None]
        past = (span for span in (*self.service.spans, *known.gaps) if span.until > since and span.until - span.since >= TOLD_AT_LEAST)
        found += (Gap(span.since, span.until, span.cause) for span in past)
        return sorted((gap for gap in found if gap.since <= now), key=lambda gap: gap.since, reverse=True)[:TOLD_MOST]

    def unheard(self, home: HomeId | None, since: datetime, until: datetime) -> timedelta:
        """How much of this stretch of time the home was not heard; with None: by the whole service's fault alone."""
        spans = [(span.since, span.until) for span in self.service.spans]
        if self.service.line_lost_since is not None:
            spans.append((self.service.line_lost_since, until))
        if home is not None:
            known = self.gaps(home)
            spans += ((span.since, span.until) for span in known.gaps)
            if known.away_since is not None:
                spans.append((known.away_since, until))
        return _length([(max(a, since), min(b, until)) for a, b in spans])


def _length(spans: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """Of their union; what ends before it begins is nothing."""
    total, reached = timedelta(0), None
    for begun, ended in sorted(spans):
        begins = begun if reached is None else max(begun, reached)
        if ended > begins:
            total += ended - begins
            reached = ended
    return total
