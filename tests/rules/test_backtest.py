"""Recorded days played through two sets of rules: what is added, gone, earlier, later; from a journal and from a recording."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alerting.commands import Asked, RegisterArea, RegisterDevice, RegisterHome, RetireHome
from alerting.engine import Engine
from alerting.items import Configured, Item, Said, ServiceStarted
from alerting.terms import Actor
from devices.decode import decode
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId
from devices.message import Heard
from gateway.__main__ import main
from gateway.rules.backtest.feed import Journal as Feed
from gateway.rules.backtest.result import Backtest
from gateway.store.entry import Entry, Stamp, encode
from gateway.store.journal import Journal
from tests.web_alarm import ruleset

START = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
"""Midnight in China, 2026-03-02."""
AREAS = ("330106001", "330106002")

DRAFT = """
remove = ["fault"]

[[rule]]
kind = "threshold"
id = "heart-rate-low"
category = "health"
priority = 2
matter = "vital_signs"
property = "heart_rate"
at_most = 45
clear = 50
title = { zh = "心率过低", en = "Low heart rate" }
reason = { zh = "{home}心率 {value}", en = "heart rate {value} in {home}" }

[[rule]]
kind = "threshold"
id = "spo2-low"
category = "health"
priority = 2
matter = "vital_signs"
property = "spo2"
at_most = 91
clear = 93
for = "PT10M"
title = { zh = "血氧过低", en = "Low oxygen" }
reason = { zh = "{home}血氧 {value}", en = "oxygen {value} in {home}" }
"""


class Story:
    """A journal as the service writes one, by an engine that judges as it goes."""

    def __init__(self, data: Path) -> None:
        self.journal = Journal.open(data)
        self.engine = Engine()
        self.count = 0
        self.take(timedelta(0), Configured(ruleset()), ServiceStarted(None))
        for number, area in enumerate(AREAS, 1):
            home = HomeId(f"h{number}")
            self.ask(RegisterArea(Area(AreaId(area), area)), RegisterHome(Home(home, AreaId(area), f"{number} 号")))
            for device in ("watch", "gas"):
                self.ask(RegisterDevice(Device(DeviceId(f"{home}-{device}"), home, ModelId(f"anju-{device}-1"), room="卧室")))

    def ask(self, *commands: RegisterArea | RegisterHome | RegisterDevice | RetireHome, after: timedelta = timedelta(0)) -> None:
        self.take(after, *(Asked(command, Actor("li")) for command in commands))

    def take(self, after: timedelta, *items: Item) -> None:
        now = START + after
        entries: list[Entry] = []
        for item in items:
            entries += [item, *self.engine.handle(item, now)]
        self.journal.commit(Stamp(now, now, after.total_seconds(), "boot"), encode(entries), len(entries))

    def says(self, home: int, after: timedelta, device: str = "watch", **values: bool | float) -> None:
        self.count += 1
        topic = f"anju/v1/{AREAS[home - 1]}/h{home}/h{home}-{device}/report"
        body = msgspec.json.encode({"id": f"r{self.count}", "at": (START + after).isoformat(), "values": values})
        message = decode(topic, body, START + after)
        assert isinstance(message, Heard)
        self.take(after, Said(message, topic, body))


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def written(data: Path) -> Path:
    """Two days: what the draft does otherwise is in the second one."""
    story = Story(data)
    story.says(1, hours(1), heart_rate=44)  # before: day one is not asked about
    story.says(1, hours(2), heart_rate=80)
    story.says(1, hours(25), heart_rate=43)  # added
    story.says(1, hours(26), heart_rate=72)
    story.says(1, hours(30), heart_rate=44)  # earlier by half an hour
    story.says(1, hours(30.5), heart_rate=39)
    story.says(1, hours(31), heart_rate=72)
    story.says(2, hours(32), spo2=90)  # later by ten minutes
    story.says(2, hours(33), spo2=97)
    story.says(2, hours(34), spo2=90)  # removed: over in five minutes
    story.says(2, hours(34) + timedelta(minutes=5), spo2=97)
    story.says(2, hours(36), "gas", fault=True)  # removed with its rule
    story.says(2, hours(37), "gas", fault=False)
    story.says(1, hours(40), sos=True)  # the same by both
    story.says(1, hours(47.5), heart_rate=70)
    story.journal.close()
    return data


def backtest(*words: str, capsys: pytest.CaptureFixture[str]) -> Backtest:
    assert main(["rules", "backtest", "--json", *words]) == 0
    return msgspec.json.decode(capsys.readouterr().out, type=Backtest)


EXPECTED = [
    ("added", "h1", "heart-rate-low", 0.0), ("earlier", "h1", "heart-rate-low", -1800.0), ("later", "h2", "spo2-low", 600.0),
    ("removed", "h2", "spo2-low", 0.0), ("removed", "h2", "fault", 0.0),
]  # fmt: skip


def told(found: Backtest) -> list[tuple[str, str, str, float]]:
    changes = [change for change in found.changes if change.alert.rule not in ("device-silent", "hub-silent")]
    return [(change.what.value, change.home, change.alert.rule, change.shift_s) for change in changes]


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "draft.toml"
    path.write_text(DRAFT, encoding="utf-8")
    return path


def test_a_journal_is_played_through_both_and_each_difference_is_named(
    tmp_path: Path, draft: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("--rules", str(draft), "--data", str(written(tmp_path / "data")), "--from", "2026-03-03", "--to", "2026-03-03")
    alone = backtest(*words, "--processes", "1", capsys=capsys)
    assert told(alone) == EXPECTED
    assert (alone.homes, alone.reports, alone.now_version) == (2, 15, ruleset().version)
    assert [(day.day.isoformat(), day.added, day.removed, day.earlier, day.later) for day in alone.days] == [("2026-03-03", 1, 2, 1, 1)]
    added = alone.changes[0].alert
    assert added.reason.zh.endswith("心率 43")
    assert [(one.property, one.value) for one in added.evidence] == [("heart_rate", 43)]
    by_areas = backtest(*words, capsys=capsys)
    assert by_areas.processes == 2
    assert (by_areas.changes, by_areas.days, by_areas.reports) == (alone.changes, alone.days, alone.reports)


def test_the_same_from_a_recording_and_the_page_needs_nothing_else(
    tmp_path: Path, draft: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    recording = tmp_path / "days.jsonl"
    lines: list[dict[str, object]] = []
    for at, entry in Feed(written(tmp_path / "data")).play(START, START + timedelta(days=9), None):
        if isinstance(entry, Asked):
            command = msgspec.to_builtins(entry.command)
            kind = {"area+": "area", "home+": "home", "dev+": "device"}[command[0]]
            lines.append({"register": {kind: command[1]}})
        elif isinstance(entry, Said):
            lines.append({"received_at": at.isoformat(), "topic": entry.topic, "payload": json.loads(entry.raw)})
    recording.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    page = tmp_path / "page.html"
    found = backtest("--rules", str(draft), "--recording", str(recording), "--from", "2026-03-03", "--html", str(page), capsys=capsys)
    assert told(found) == EXPECTED
    html = page.read_text(encoding="utf-8")
    assert "<svg" in html
    assert "heart_rate = 43" in html
    assert "http" not in html.replace("http-equiv", "")
    assert main(["rules", "backtest", "--rules", str(draft), "--recording", str(recording)]) == 0
    table = capsys.readouterr().out
    assert "1800 s earlier" in table.replace(",", "")
    assert "2026-03-03" in table


def test_the_registry_is_as_it_was_and_a_retired_home_stays_so(tmp_path: Path, draft: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = Story(tmp_path / "data")
    story.ask(RetireHome(HomeId("h2")), after=hours(1))
    story.says(1, hours(30), heart_rate=44)
    story.says(1, hours(31), heart_rate=70)
    story.journal.close()
    words = ("--rules", str(draft), "--data", str(tmp_path / "data"))
    found = backtest(*words, "--from", "2026-03-03", "--warm-up", "0", capsys=capsys)
    assert (found.homes, [change.what.value for change in found.changes]) == (1, ["added"])
    assert found.changes[0].alert.reason.zh == "1 号心率 44"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "yesterday"), "'yesterday' is neither a day"),
        (("--from", "2026-03-05"), "is not before --to"),
        (("--data", "/nowhere-at-all"), "is no data folder"),
        (("--recording", "/nowhere-at-all"), "No such file"),
        (("--html", "/nowhere-at-all/page.html"), "there is no folder /nowhere-at-all"),
        (("--html", "/"), "Is a directory"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_line(
    words: tuple[str, ...], told: str, tmp_path: Path, draft: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    data = () if {"--data", "--recording"}.intersection(words) else ("--data", str(written(tmp_path / "data")))
    assert main(["rules", "backtest", "--rules", str(draft), *data, *words]) == 1
    assert told in capsys.readouterr().err


def test_a_draft_with_mistakes_is_refused_with_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "draft.toml"
    path.write_text(DRAFT.replace("at_most = 45", "at_mst = 45").replace('"spo2"', '"sp02"'), encoding="utf-8")
    assert main(["rules", "backtest", "--rules", str(path), "--data", str(written(tmp_path / "data"))]) == 1
    err = capsys.readouterr().err
    assert "did you mean 'at_most'?" in err
    assert "Invalid enum value 'sp02'" in err
