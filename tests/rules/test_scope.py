"""A draft is played with the rules that it reaches alone: every difference is found, and is the same as if all had been played."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerting.commands import Asked
from alerting.items import Configured, Item, LineLost, LineRestored, ServiceStarted
from alerting.rules import Ruleset
from benchmarks.county.emergencies import emergencies
from benchmarks.county.judged import PERSON, registration, said
from benchmarks.county.town import Town, areas_of
from benchmarks.detection.lives import FIRST_DAY
from devices.observation import Property
from gateway.rules.backtest import compare
from gateway.rules.backtest.feed import Journal as Feed
from gateway.rules.backtest.result import Change
from gateway.rules.backtest.scope import Scope, scope
from gateway.rules.backtest.work import Job, play
from gateway.rules.commands import draft_over
from gateway.store.entry import Stamp, encode
from gateway.store.journal import Journal
from tests.web_alarm import ruleset

DAYS, HOMES = 7, 2
LIVED = timedelta(days=2, hours=16)
AT_ONCE = 8
"""Reports in a commit: some are passed over, others of the same commit are not."""


def rule(words: str, *, category: str = "health") -> str:
    return (
        f'[[rule]]\n{words}\ncategory = "{category}"\npriority = 2\n'
        'title = { zh = "试验", en = "Trial" }\nreason = { zh = "{home}试验", en = "trial in {home}" }\n'
    )


DRAFTS = {
    "a limit": rule('kind = "threshold"\nid = "spo2-low"\nmatter = "spo2"\nproperty = "spo2"\nat_most = 95\nclear = 96\nfor = "PT10M"'),
    "a bed": rule(
        'kind = "bed_left"\nid = "bed-left"\nlain = "PT20M"\nfor = "PT3M"\nhours = ["20:00-12:00"]', category="inactivity",
    ),
    "a quiet": rule(
        'kind = "inactivity"\nid = "inactivity"\nleast = "PT1H"\nleast_most = "PT2H"\nunlearned = "PT2H"\nmodes = ["home"]',
        category="inactivity",
    ),
    "what falls bring": 'remove = ["fall-no-movement"]\n',
    "another rule of a matter": rule(
        'kind = "change"\nid = "pulse-leaps"\nmatter = "heart_rate"\nproperty = "heart_rate"\nrises = 15\nwithin = "PT30M"',
    ),
    "silence": 'remove = ["device-silent"]\n',
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of some living homes' first days, emergencies among them; the service is down for two hours, and the line cut once."""
    data = tmp_path_factory.mktemp("lived") / "data"
    journal = Journal.open(data)
    town = Town(frozenset(areas_of(HOMES, 1)), HOMES, DAYS, 1, emergencies())
    waiting: list[Item] = []

    def commit(now: datetime) -> None:
        journal.commit(Stamp(now, now, 0.0, "boot"), encode([*waiting]), len(waiting))
        waiting.clear()

    waiting += [Configured(ruleset()), ServiceStarted(None), *(Asked(command, PERSON) for command in registration(town))]
    commit(FIRST_DAY)
    down = FIRST_DAY + timedelta(days=2, hours=9)
    cut = FIRST_DAY + timedelta(days=1, hours=13)
    planned: list[tuple[datetime, Item]] = [
        (cut, LineLost(cut)), (cut + timedelta(hours=1), LineRestored()), (down + timedelta(hours=2), ServiceStarted(down)),
    ]  # fmt: skip
    for second, delivery in town.runs():
        now = FIRST_DAY + timedelta(seconds=second)
        if now > FIRST_DAY + LIVED:
            break
        while planned and planned[0][0] <= now:
            at, item = planned.pop(0)
            if waiting:
                commit(at)
            waiting.append(item)
            commit(at)
        if delivery is not None and not down <= now < down + timedelta(hours=2):
            waiting.append(said(delivery))
        if len(waiting) >= AT_ONCE:
            commit(now)
    journal.close()
    return data


def differences(data: Path, played: Scope) -> tuple[list[Change], int]:
    span = Feed(data).span()
    assert span is not None
    start, end = span[0], span[1] + timedelta(seconds=1)
    job = Job(
        played.now, played.draft, start, end, timedelta(0), data=str(data), counted=played.counted, properties=played.properties,
    )  # fmt: skip
    part = play(job, lambda _: None)
    return compare.changes(part.now, part.draft, start, end, timedelta(hours=8)), part.reports


@pytest.mark.parametrize("name", DRAFTS)
def test_what_a_draft_does_not_reach_is_left_out_and_every_difference_is_found(name: str, lived: Path, tmp_path: Path) -> None:
    path = tmp_path / "draft.toml"
    path.write_text(DRAFTS[name], encoding="utf-8")
    now = ruleset()
    draft = draft_over(now, [path])
    quick = scope(now, draft)
    if name == "silence":
        assert quick == Scope(now, draft), "what decides who is heard is everybody's business"
        return
    assert len(quick.now.rules) < len(now.rules) / 2
    found, heard = differences(lived, quick)
    assert (found, heard) == differences(lived, Scope(now, draft))
    assert found or name == "what falls bring"


def without(now: Ruleset, *rules: str) -> Scope:
    draft = replace(now, version="draft", rules=tuple(rule for rule in now.rules if rule.id not in rules))
    assert len(draft.rules) < len(now.rules)
    return scope(now, draft)


def test_a_draft_reaches_what_shares_its_matter_and_what_is_put_together_with_it() -> None:
    now = ruleset()
    cover = without(now, "tamper")
    assert cover.counted == frozenset({"tamper"})
    assert cover.properties == frozenset({Property.TAMPER, Property.CANCEL})
    assert cover.draft.rules == ()
    body = without(now, "spo2-low")
    assert body.counted is not None
    assert {"spo2-low", "heart-rate-low", "news2-urgent"} <= body.counted, "one matter"
    calls = without(now, "pull-cord")
    assert calls.counted is not None
    assert {"pull-cord", "sos", "calls-again"} <= calls.counted, "one call in a home, whoever it came from"
    smoke = without(now, "smoke")
    assert smoke.counted is not None
    assert {"smoke", "heat"} <= smoke.counted
    assert smoke.properties is None, "a self-test excuses it, and any report ends that"
    quiet = without(now, "inactivity")
    assert quiet.counted == frozenset({"inactivity"})
    assert {rule.id for rule in quiet.now.rules} > {"inactivity", "device-silent"}, "what could be heard has to be known"
    for everybodys in ("mains-lost", "area-silent", "hub-silent"):
        assert without(now, everybodys).counted is None


def test_rules_that_are_the_same_but_stand_otherwise_are_all_played() -> None:
    now = ruleset()
    first, second, *others = now.rules
    assert scope(now, replace(now, rules=(second, first, *others))).counted is None
