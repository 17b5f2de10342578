"""What is due and when, of everything the engine knows: the queue of deadlines is filled here, and read back into facts.

The queue is only a reminder. What is due is decided from the state when the moment comes, so an entry that is out of date does nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from alerting import escalation
from alerting.alert import Alert
from alerting.circumstances import Circumstances
from alerting.deadlines import Deadlines, Entry, Kind
from alerting.facts import SERVICE, AlertId, DeviceSilent, Fact, SilenceEnded, SilenceId, SilenceSet
from alerting.hearing import silent_at
from alerting.home_state import DeviceState, HomeState
from alerting.raising import Raising
from alerting.registry import Registry
from devices.home import DeviceId

CLOSED_KEPT = timedelta(hours=24)
"""A closed alert still takes notes, and answers a second close with who was first."""


class Agenda:
    def __init__(self, registry: Registry, circumstances: Circumstances, alerts: Mapping[AlertId, Alert]) -> None:
        self._registry = registry
        self._circumstances = circumstances
        self._alerts = alerts
        self._queue = Deadlines()
        self._scheduled: dict[AlertId, datetime] = {}
        """The latest entry of each alert, lest every change adds one."""
        self.listening = True
        """Whether silence means anything: not between a recovery and the word that the service hears again."""

    @property
    def next_at(self) -> datetime | None:
        return self._queue.next_at

    def pop_due(self, now: datetime) -> Entry | None:
        return self._queue.pop_due(now)

    # --- filling ---------------------------------------------------------------------------------------------------------------

    def schedule(self, alert: Alert) -> None:
        """See that the alert's next deadline is in the queue."""
        if alert.closed_at is not None:
            at, kind = alert.closed_at + CLOSED_KEPT, Kind.FORGET
        else:
            deadline = self._deadline(alert)
            if deadline is None:
                return
            at, kind = deadline.at, Kind.ALERT
        if self._scheduled.get(alert.id) != at:
            self._scheduled[alert.id] = at
            self._queue.push(Entry(at, kind, alert.home, alert.id))

    def watch(self, home: HomeState, device: DeviceState) -> None:
        """See that the device's silence is in the queue, if there is anything to watch for."""
        device.watched = device.last_heard_at is not None and not device.silent
        silent = silent_at(device, self._circumstances.index, self._circumstances.deafness)
        if silent is not None and not home.retired:
            self._queue.push(Entry(silent[0], Kind.DEVICE, home.id, device.record.id))

    def await_limit(self, home: HomeState, device: DeviceState, rule: str) -> None:
        beyond, watched = device.beyond.get(rule), self._circumstances.index.limits.get(rule)
        if beyond is not None and watched is not None:
            self._queue.push(Entry(beyond.since + watched[1].hold, Kind.LIMIT, home.id, device.record.id, rule))

    def await_end(self, silence: SilenceSet) -> None:
        self._queue.push(Entry(silence.until, Kind.SILENCE_ENDS, silence.home, silence.silence))

    def listen(self, now: datetime) -> None:
        if not self.listening:
            self.listening = True
            self.anew(now)

    def anew(self, now: datetime) -> None:
        """Fill the queue from what is. A `for` that was over by `now` has had its facts."""
        self._queue = Deadlines()
        self._scheduled.clear()
        limits = self._circumstances.index.limits
        for home in self._registry.homes.values():
            for alert in home.alerts.values():
                self.schedule(alert)
            for silence in home.silences.values():
                self.await_end(silence)
            for device in home.devices.values():
                self.watch(home, device)
                for rule, beyond in device.beyond.items():
                    if rule in limits and beyond.since + limits[rule][1].hold > now:
                        self.await_limit(home, device, rule)

    # --- what came due ---------------------------------------------------------------------------------------------------------

    def facts(self, entry: Entry, now: datetime) -> list[Fact]:
        """What an entry comes to, `now` being its moment."""
        match entry.kind:
            case Kind.ALERT:
                return self._alert(entry, now)
            case Kind.SILENCE_ENDS:
                silence = self._registry.homes[entry.home].silences.get(SilenceId(entry.name))
                if silence is None or silence.until > now:
                    return []
                return [SilenceEnded(now, SERVICE, silence.silence, entry.home)]
            case Kind.LIMIT:
                return self._limit(entry, now)
            case Kind.DEVICE:
                return self._device(entry, now)
            case Kind.FORGET:
                return []

    def _alert(self, entry: Entry, now: datetime) -> list[Fact]:
        alert = self._alerts.get(AlertId(entry.name))
        if alert is None:
            return []
        if self._scheduled.get(alert.id) == entry.at:
            del self._scheduled[alert.id]
        deadline = self._deadline(alert)
        if deadline is None:
            return []
        if deadline.at > now:
            self.schedule(alert)
            return []
        return [escalation.reached(alert, self._circumstances.policy(alert), deadline.due, now)]

    def _limit(self, entry: Entry, now: datetime) -> list[Fact]:
        home = self._registry.homes[entry.home]
        beyond = home.devices[DeviceId(entry.name)].beyond.get(entry.rule)
        watched = self._circumstances.index.limits.get(entry.rule)
        if beyond is None or watched is None or beyond.evidence is None or beyond.since + watched[1].hold != entry.at:
            return []
        return [*self.raising(home, now).held_out(watched[1].rule, beyond.evidence)]

    def _device(self, entry: Entry, now: datetime) -> list[Fact]:
        home = self._registry.homes[entry.home]
        device = home.devices[DeviceId(entry.name)]
        device.watched = False
        silent = silent_at(device, self._circumstances.index, self._circumstances.deafness)
        if silent is None or home.retired or not self.listening:
            return []
        at, rule = silent
        if at > now:
            self.watch(home, device)
            return []
        heard = device.last_heard_at or at
        return [DeviceSilent(now, home.id, device.record.id, heard), *self.raising(home, now).fell_silent(rule, device)]

    def raising(self, home: HomeState, now: datetime) -> Raising:
        return Raising(home, self._circumstances.index, now, self._circumstances.wall_offset)

    def _deadline(self, alert: Alert) -> escalation.Deadline | None:
        muted = alert.silenced_by is not None and alert.silenced_by in self._registry.silence_homes
        return escalation.deadline(alert, self._circumstances.policy(alert), muted=muted)
