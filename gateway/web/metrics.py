"""The figures of both processes as Prometheus reads them. The alarm process serves nobody: its figures come with its health."""

import resource
import sys
from collections.abc import Iterator
from math import nan
from time import process_time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.watchdog_status import BUCKETS_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.backup_status import LastBackup
    from gateway.control import Health
    from gateway.web.desk import Desk

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class Metrics:
    """A registry of its own, so that two applications in one process (tests) do not share one."""

    def __init__(self, last_backup: "Callable[[], LastBackup | None]" = lambda: None) -> None:
        self._last_backup = last_backup
        self.registry = CollectorRegistry()
        self._requests = Counter("anju_http_requests", "Answers by method and status.", ("method", "status"), registry=self.registry)
        self._seconds = Histogram(
            "anju_http_answer_seconds", "From the request to the head of its answer.", buckets=BUCKETS, registry=self.registry,
        )
        self._desk: Desk | None = None
        self.registry.register(_Collected(self))

    def took(self, method: str, status: int, seconds: float) -> None:
        known = method if method in ("GET", "POST", "PATCH", "DELETE", "HEAD") else "other"
        self._requests.labels(known, str(status)).inc()
        self._seconds.observe(seconds)

    def text(self, desk: "Desk") -> bytes:
        self._desk = desk
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        desk = self._desk
        if desk is None:
            return
        yield from _web(desk)
        yield from _backup(self._last_backup())
        yield from _alarm(desk)
        yield from _telemetry(desk)
        yield from _watchdog(desk)


class _Collected(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.collect()


def _web(desk: "Desk") -> Iterator[Metric]:
    views, places = desk.views, desk.views.places
    yield GaugeMetricFamily("anju_ready", "1 when the way in, the stores and the engine all work.", float(desk.condition.ready))
    yield GaugeMetricFamily("anju_view_position", "The journal's number that the pages reflect.", views.position)
    yield GaugeMetricFamily("anju_view_written", "The journal's number that views.db reflects.", views.store.written)
    yield GaugeMetricFamily("anju_stream_consoles", "Consoles on the live stream.", len(desk.hub.consoles))
    yield CounterMetricFamily("anju_stream_cut", "Consoles cut off because they did not read.", desk.hub.cut)
    yield CounterMetricFamily("anju_view_facts_refused", "Journaled facts that no transition knows.", views.board.refused)
    yield CounterMetricFamily("anju_users_writes_lost", "Looks and sessions that a full disk lost.", desk.users.lost)
    yield GaugeMetricFamily("anju_homes", "Homes in the registry.", len(places.homes))
    unheard = sum(not places.hearing.heard(home) for home in places.homes)
    yield GaugeMetricFamily("anju_homes_unheard", "Homes whose hub is away, or that the cut line to the broker keeps from us.", unheard)
    online = GaugeMetricFamily("anju_devices", "Devices in the registry.", labels=["online"])
    states = [places.states.get(key) for key in places.devices]
    for name, value in (("yes", True), ("no", False), ("unknown", None)):
        online.add_metric([name], sum((state.online if state else None) is value for state in states))
    yield online
    waiting = GaugeMetricFamily("anju_alerts_open", "Open alerts.", labels=["priority", "status"])
    for (priority, status), count in views.board.count_open().items():
        waiting.add_metric([str(priority), status], count)
    yield waiting
    yield _failed_jobs(desk)
    yield CounterMetricFamily("anju_web_cpu_seconds", "CPU time of the web process.", process_time())
    yield GaugeMetricFamily("anju_web_memory_max_bytes", "The most memory the web process ever held.", _memory())


def _alarm(desk: "Desk") -> Iterator[Metric]:
    yield GaugeMetricFamily("anju_alarm_up", "1 while the alarm process answers.", float(desk.condition.alarm_process_up))
    health = desk.condition.health
    if health is None:
        return
    for name, text, value in (
        ("anju_journal_position", "The last number on disk.", health.seq),
        ("anju_mqtt_connections", "Kits connected.", health.connections),
        ("anju_inbox_bytes", "Bytes that wait for a decision.", health.waiting_bytes),
        ("anju_inbox_messages", "Messages that wait for a decision.", health.waiting),
        ("anju_alarm_memory_bytes", "Memory of the alarm process.", health.rss_bytes),
        ("anju_disk_free_bytes", "Free on the disk of the data.", health.disk_free_bytes),
        ("anju_notifications_pending", "Notifications on their way.", health.pending_notifications),
        ("anju_wall_offset_seconds", "Wall clock minus service time.", health.wall_offset_s),
        ("anju_recovery_differences", "Reports that would be judged otherwise today, found by the last recovery.", health.differences),
        ("anju_alarm_started_timestamp_seconds", "When the alarm process started.", health.started_at.timestamp()),
    ):
        yield GaugeMetricFamily(name, text, value)
    for name, text, count in (
        ("anju_reports", "Reports read since the alarm process started.", health.reports),
        ("anju_alarms", "Reports that carried a call, fire, gas or a fall.", health.alarms),
        ("anju_quarantined", "Messages that could not be read.", health.quarantined),
        ("anju_commits", "Commits of the journal.", health.commits),
        ("anju_commit_seconds", "Seconds spent in commits.", health.commit_s),
        ("anju_alarm_cpu_seconds", "CPU time of the alarm process.", health.cpu_s),
    ):
        yield CounterMetricFamily(name, text, count)
    yield from _ways_in(health)

    ended = CounterMetricFamily(
        "anju_deliveries", "Notifications that left the house, or did not; `retried` counts attempts.", labels=["channel", "result"],
    )
    waiting = GaugeMetricFamily("anju_deliveries_pending", "Notifications on their way, by channel.", labels=["channel"])
    for channel, counts in health.deliveries.items():
        for result, count in (("sent", counts.sent), ("failed", counts.failed), ("retried", counts.retried)):
            ended.add_metric([channel, result], count)
        waiting.add_metric([channel], counts.pending)
    yield ended
    yield waiting


def _telemetry(desk: "Desk") -> Iterator[Metric]:
    """One line for each follower of the journal: `history`, and every outside store by its name."""
    yield GaugeMetricFamily("anju_telemetry_up", "1 while the telemetry process answers.", float(desk.historian.up))
    yield GaugeMetricFamily("anju_history_position", "The journal's number that the history reflects.", desk.historian.position)
    health = desk.historian.health
    if health is None:
        return
    newest = max(desk.views.position, desk.condition.health.seq if desk.condition.health is not None else 0)
    position = GaugeMetricFamily("anju_store_position", "The journal's number that a store of readings reflects.", labels=["store"])
    entries = GaugeMetricFamily("anju_store_behind_entries", "Entries of the journal that a store has yet to take.", labels=["store"])
    seconds = GaugeMetricFamily("anju_store_behind_seconds", "Age of what waits longest for a store.", labels=["store"])
    waiting = GaugeMetricFamily("anju_store_waits", "1 while a store cannot be written.", labels=["store"])
    points = CounterMetricFamily("anju_store_points", "Observations written since the telemetry process started.", labels=["store"])
    refused = CounterMetricFamily("anju_store_refused", "Observations that a store refused, all told.", labels=["store"])
    for one in health.followers:
        position.add_metric([one.name], one.position)
        entries.add_metric([one.name], max(newest - one.position, 0))
        seconds.add_metric([one.name], one.behind_s)
        waiting.add_metric([one.name], float(one.problem is not None))
        points.add_metric([one.name], one.points)
        refused.add_metric([one.name], one.refused)
    yield from (position, entries, seconds, waiting, points, refused)
    yield CounterMetricFamily("anju_telemetry_cpu_seconds", "CPU time of the telemetry process.", health.cpu_s)
    yield GaugeMetricFamily("anju_telemetry_memory_max_bytes", "The most memory the telemetry process ever held.", health.rss_bytes)


def _watchdog(desk: "Desk") -> Iterator[Metric]:
    """By the file that it writes; nothing where there is none."""
    check = desk.self_check
    watched = check.watched if check is not None and check.every_s else None
    if check is None or watched is None:
        return
    yield GaugeMetricFamily("anju_watchdog_up", "1 while the watchdog lives.", float(check.speaks))
    yield GaugeMetricFamily("anju_watchdog_alarm", "1 while its calls do not get through.", float(watched.missing is not None))
    calls = CounterMetricFamily("anju_watchdog_calls", "Calls of its own, by what became of them.", labels=["result"])
    calls.add_metric(["seen"], watched.seen)
    calls.add_metric(["missed"], watched.missed)
    yield calls
    yield CounterMetricFamily("anju_watchdog_alarms", "How often it said that something is broken.", watched.alarms)
    seen = nan if watched.last_seen_at is None else watched.last_seen_at.timestamp()
    yield GaugeMetricFamily("anju_watchdog_seen_timestamp_seconds", "When a call of its own came out on the stream last.", seen)
    trips = HistogramMetricFamily("anju_watchdog_round_trip_seconds", "From a call of its own to the operators' stream.")
    within = [(str(bound), float(count)) for bound, count in zip(BUCKETS_S, watched.trips.within, strict=True)]
    trips.add_metric([], [*within, ("+Inf", float(watched.trips.count))], watched.trips.seconds)
    yield trips


def _ways_in(health: "Health") -> Iterator[Metric]:
    ways = GaugeMetricFamily("anju_mqtt_connections_by_way", "Kits connected, by their way in.", labels=["way"])
    for way, count in health.ways.items():
        ways.add_metric([way], count)
    yield ways
    yield GaugeMetricFamily("anju_mqtt_at_the_door", "Connected and not admitted yet.", health.at_the_door)
    yield CounterMetricFamily("anju_mqtt_turned_out", "Hung up on before they were admitted: too slow, or too many.", health.turned_out)
    failures = CounterMetricFamily("anju_mqtt_tls_failures", "Kits that did not get in by TLS, by reason.", labels=["reason"])
    for reason, count in health.tls_failures.items():
        failures.add_metric([reason], count)
    yield failures
    if health.certificate_expires_at is not None:
        expires = health.certificate_expires_at.timestamp()
        yield GaugeMetricFamily("anju_mqtt_certificate_expires_timestamp_seconds", "End of the endpoint's certificate.", expires)


def _failed_jobs(desk: "Desk") -> Metric:
    """Of every process; what the others owe comes with their health."""
    health = desk.condition.health
    failed = GaugeMetricFamily("anju_jobs_failed", "Calendar work that failed and is owed.", labels=["process"])
    failed.add_metric(["web"], len(desk.calendar.failures))
    if health is not None:
        failed.add_metric(["alarm"], len(health.failed_jobs))
    if desk.historian.health is not None:
        failed.add_metric(["telemetry"], len(desk.historian.health.failed_jobs))
    return failed


def _backup(last: "LastBackup | None") -> Iterator[Metric]:
    """Not a number where there was none: neither failed nor late."""
    ended, failed, reaches = (nan, 0.0, nan) if last is None else (last.ended_at.timestamp(), float(not last.good), float(last.last_seq))
    yield GaugeMetricFamily("anju_backup_ended_timestamp_seconds", "When the last backup of the calendar ended.", ended)
    yield GaugeMetricFamily("anju_backup_failed", "1 when it failed; it is tried again every hour.", failed)
    yield GaugeMetricFamily("anju_backup_position", "The journal's number that it reaches.", reaches)


def _memory() -> float:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)
