"""Every benchmark once, in a form so small that its figures mean nothing: they run, they count right, they leave nothing behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import consoles, disk, floor, latency, machine, memory, profile, recovery, render, reports, results, subjects, throughput
from benchmarks.behind_mosquitto import behind_mosquitto
from benchmarks.results import Results
from devices.decode import decode
from devices.message import Heard
from gateway.clock import MACHINE
from tests.patience import STORY_S
from tests.service import ROOT, children_of

REPORTS = throughput.Effort(warm_up_s=0.2, probe_s=0.2, sustained_s=0.6, homes=6, connections=3, tell_s=0.05)
CALLS = latency.Effort(alarms=8, a_second=40.0, homes=4, connections=3, disk_s=0.05, settle_s=0.1)




@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that is empty again when the benchmark is over, and no process of it is left."""
    before = set(children_of(os.getpid()))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []
    assert set(children_of(os.getpid())) <= before


def test_every_report_of_the_load_is_a_different_one_that_raises_nothing() -> None:
    sources = reports.sources(2, "A")
    now, said = MACHINE.wall(), []
    for number, source in enumerate([*sources, *sources]):
        packet = source.packet % (b"\0\1", number, reports.moment(now.timestamp() + number / 1000), 60 + number)
        message = decode(source.topic, packet[-source.payload_bytes :], now)
        assert isinstance(message, Heard)
        said.append(message.report)
    assert len({report.id for report in said}) == 2 * len(sources) == 12
    assert not any(report.urgent or report.problems or report.clock_suspect for report in said)
    assert all(150 <= source.payload_bytes <= 200 for source in sources)


def test_the_endpoint_takes_the_load_and_every_report_of_it_is_in_the_journal(place: Path) -> None:
    with subjects.listener(REPORTS.homes, place) as subject:
        figures, checked = throughput.measure(subject, REPORTS)
        assert memory.footprint(subject, "loaded", 48, 0.0).pss_kib > 10_000
    assert checked.whole, checked
    assert [f.asked_rate for f in figures] == [0.0, throughput.STEADY]
    assert all(f.reports and f.cpu_us["alarm"] >= 0 for f in figures)


def test_each_home_brings_its_own_reports_by_its_own_credential(place: Path) -> None:
    with subjects.each_home(REPORTS.homes, place) as subject:
        _, checked = throughput.measure(subject, REPORTS)
    assert checked.whole, checked


def test_the_broker_client_takes_the_load_out_of_mosquitto(place: Path) -> None:
    with behind_mosquitto(REPORTS.homes, place) as subject:
        _, checked = throughput.measure(subject, REPORTS)
        took, lost = latency.call(subject, CALLS, "calls")
    assert checked.whole, checked
    assert (len(took), lost) == (CALLS.alarms, 0)


def test_a_bare_socket_behind_mosquitto_is_the_limit(place: Path) -> None:
    with subjects.bare_socket(place) as subject:
        _, checked = throughput.measure(subject, REPORTS)
    assert checked.whole, checked


def test_every_call_is_timed_to_the_stream_beside_whatever_hinders(place: Path) -> None:
    with subjects.listener(CALLS.homes, place) as subject:
        for letter, hindrance in zip("BCDE", ("", "core", "disk", "office"), strict=True):
            found = latency.measure(subject, latency.Scenario(f"beside {hindrance}", 200.0, hindrance), CALLS, place, letter)
            assert (found.count, found.lost) == (CALLS.alarms, 0), hindrance
            assert found.background > 0
            assert 0 < found.ms.p50 <= found.ms.p99 <= found.ms.largest
            assert found.disk_before.count


def test_devices_are_registered_by_the_hundred_and_weighed(place: Path) -> None:
    idle, some, more = memory.measure(place, memory.Effort((2,), (12, 120), 0.0))
    assert [f.devices for f in (idle, some, more)] == [16, 12, 120]


def test_consoles_are_watched_while_homes_call(place: Path) -> None:
    one, three = consoles.measure(place, consoles.Effort((1, 3), CALLS))
    assert (one.consoles, three.consoles) == (1, 3)
    assert one.calls == three.calls == CALLS.alarms


def test_a_filled_journal_is_recovered_and_so_is_a_crash_under_load(place: Path) -> None:
    start, crash = recovery.measure(place, recovery.Effort((500,), 3, 0.5, 200.0))
    assert start.folded >= 500
    assert start.entries < crash.entries
    assert min(crash.hears_s, crash.ready_s) > 0


def test_the_stages_of_the_profile_add_up_to_what_the_kernel_says(place: Path) -> None:
    found = profile.measure(place, REPORTS)
    assert sum(found.threads.values()) == pytest.approx(found.total_us, rel=0.2)
    assert sum(found.stages.values()) == pytest.approx(found.threads["main"], rel=0.01)


def test_figures_are_written_read_and_put_between_their_markers_alone(tmp_path: Path) -> None:
    found = Results(machine.machine(tmp_path), "a command", "2026-01-01T00:00:00Z", "abc", True, 1)
    found.disk.append(disk.fdatasync_loop(tmp_path, "now", seconds=0.05))
    found.floors.append(floor.measure(1))
    path = tmp_path / "figures.json"
    results.write(found, path)
    document = tmp_path / "performance.md"
    document.write_text("words\n<!-- figures: disk -->\nold\n<!-- end -->\nmore\n<!-- figures: memory -->\nkept\n<!-- end -->\n")
    assert render.put_into(document, results.read(path)) == ["disk"]
    text = document.read_text()
    assert "old" not in text
    assert "| now, back to back | " in text
    assert text.startswith("words\n")
    assert text.endswith("-->\nmore\n<!-- figures: memory -->\nkept\n<!-- end -->\n")


def test_the_document_has_a_place_for_every_table() -> None:
    text = (ROOT / "docs/performance.md").read_text()
    assert [name for name in render.TABLES if f"<!-- figures: {name} -->" not in text] == []


def test_a_benchmark_that_there_is_not_is_named() -> None:
    words = [sys.executable, "-m", "benchmarks", "thruput"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=STORY_S, check=False)
    assert done.returncode == 2
    assert "thruput" in done.stdout


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_quick_form_of_all_of_it_runs_with_the_peer(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks", "--quick", "--peer", "--folder", str(tmp_path), "--out", str(tmp_path / "figures.json")]
    subprocess.run(words, cwd=ROOT, check=True, timeout=1800)
    found = results.read(tmp_path / "figures.json")
    assert len({f.subject for f in found.sustained}) == 5
    assert all(check.whole for check in found.checked)
    assert not any(timed.lost for timed in found.latency)
