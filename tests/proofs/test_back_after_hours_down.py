"""Anju is killed, three hours pass in which people live on and their hubs keep what they hear, and it is started again.

`serve` on its ports, the simulator's homes and hubs on real sockets; only the service's clocks are moved along with the homes' time.
"""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerting.facts import AlertRaised, AlertWorsened, Fact
from alerting.heard_facts import DeviceSilent, HubLost
from alerting.items import Said, ServiceStarted
from alerting.terms import Category
from devices.message import Heard
from gateway.store.entry import Commit
from gateway.store.journal import Journal
from simulator.acts import ACTS, Act
from simulator.clock import CHINA, Clock
from simulator.deed import Deed
from simulator.device import Kind
from simulator.home import VirtualHome, virtual_homes
from simulator.hub import Hub
from simulator.link import broker_at
from simulator.living import Living
from simulator.play import all_connected, all_delivered, lines
from simulator.registering import log_in, register
from simulator.registry import api
from simulator.wire import Values
from simulator.world import Process, World
from simulator.world import Said as Spoken
from tests.machine import Machine
from tests.patience import STORY_S
from tests.service import Anju, until

KIT = ("hub", "watch", "cord-bath", "door", "motion-living", "motion-kitchen", "motion-bath")
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=CHINA)
HOUR_S = 3600.0
DOWN_S, BACK_S, END_S = 1.5 * HOUR_S, 4.5 * HOUR_S, 5.25 * HOUR_S
DOZES_S, WAKES_S = 600.0, 3 * HOUR_S
"""In one home nothing moves for so long that, without what its hub kept, four quiet hours would be over at the return."""
STEP_S = 60.0
"""So far the clocks are moved at a time, everything of it being delivered in between; less than what counts as having waited."""

KEEP_ALIVE_S = 18 * 3600
"""The hubs' own time is real, the service's goes in steps: it would miss a sign of life that was promised it every minute."""


class Served(Anju):
    """`serve` on a machine of the test's."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        super().__init__(folder / "data")
        config = folder / "anju.toml"
        config.write_text(f'data = "data"\n[http]\nport = {self.http_port}\n[mqtt]\nport = {self.mqtt_port}\n')
        self.words = (sys.executable, "-m", "gateway", "serve", "--config", str(config))
        self.path = str(machine.site)
        self.lives = 0

    def wait_ready(self, seconds: float = STORY_S) -> None:
        self.lives += 1
        until("ready", lambda: self.log.read_text().count("ready: console") >= self.lives, seconds)

    @property
    def admin(self) -> str:
        found = re.search(r"first log-in: admin / (\S+)", self.log.read_text())
        assert found, self.log.read_text()
        return f"admin:{found[1]}"


class Street:
    """The homes, their hubs, and what was handed to these. The last home's line is cut with the service and stays so."""

    def __init__(self, homes: Iterable[VirtualHome]) -> None:
        self.clock = Clock(MORNING, 0.0)
        self.homes = tuple(homes)
        self.hubs = {home.id: Hub(home, self.clock.boot) for home in self.homes}
        self.world = World()
        self.said: Counter[str] = Counter()
        self.calls: dict[str, datetime] = {}
        self.falls: dict[str, datetime] = {}
        *self.callers, self.dozer, self.fallen, self.gone = self.homes[-(len(self.homes) // 4 + 3) :]
        for home in self.homes:
            home.zigbee = None
            Living(home).begin(self.world, everyday=True)
        for number, home in enumerate(self.callers):
            self.world.start(partial(_pulls, home), DOWN_S + 300 + number * 9000 / len(self.callers))
        self.world.start(partial(_dozes, self.dozer), DOZES_S)
        self.world.start(partial(_falls, self.fallen), DOWN_S + 6000)

    def live(self, until_s: float) -> None:
        """What is said is handed to the hubs, with the time at which it is."""
        for second, what in self.world.run(until_s):
            if isinstance(what, Spoken) and what.heard:
                at = self.clock.wall(second) + timedelta(seconds=what.off_s)
                self.hubs[what.home].say(what, at)
                self.said[what.home] += 1
                if what.values.pull_cord is True:
                    self.calls[what.home] = at
                if what.values.fall is True:
                    self.falls[what.home] = at


def _pulls(home: VirtualHome, now: float) -> Process:
    cord = home.find(Kind.CORD)
    assert cord is not None
    yield from ACTS[Act.PULL_CORD].process(Deed(home, cord, "call"), now)


def _dozes(home: VirtualHome, _: float) -> Process:
    home.lying_until = WAKES_S
    yield 0.0


def _falls(home: VirtualHome, now: float) -> Process:
    home.lying_until = now + 12 * HOUR_S
    watch = home.find(Kind.WATCH)
    assert watch is not None
    yield home.say(watch, Values(fall=True), now, "fall")


async def lived(anju: Served, machine: Machine, homes: int) -> Street:
    async with api(f"http://127.0.0.1:{anju.http_port}", "") as client:
        token = await log_in(client, anju.admin)
    async with api(f"http://127.0.0.1:{anju.http_port}", token) as client:
        records, logins = await register(client, homes, 1, KIT, lambda *_: None)
    clock = Clock(MORNING, 0.0)
    street = Street(virtual_homes(records, seed=1, local_s=clock.local_s, all_zigbee=False))
    hubs = street.hubs
    broker = replace(broker_at(f"mqtt://127.0.0.1:{anju.mqtt_port}"), keep_alive_s=KEEP_ALIVE_S)
    async with lines(hubs.values(), broker, "hub", logins=logins):
        assert await all_connected(hubs.values(), STORY_S)
        await _go_on(street, machine, 0.0, DOWN_S)
        anju.kill_everything()
        hubs[street.gone.id].sever()
        await _until_alone(hubs.values())
        street.live(BACK_S)
        assert all(hub.waiting > 100 for hub in hubs.values() if not hub.cut), "what nobody takes is kept"
        machine.stands_at(BACK_S)
        await asyncio.to_thread(anju.start, STORY_S)
        assert await all_delivered(hubs.values(), STORY_S)
        await _go_on(street, machine, BACK_S, END_S)
    return street


async def _go_on(street: Street, machine: Machine, since_s: float, until_s: float) -> None:
    for step in range(round((until_s - since_s) / STEP_S)):
        now_s = since_s + (step + 1) * STEP_S
        machine.stands_at(now_s)
        street.live(now_s)
        assert await all_delivered(street.hubs.values(), STORY_S)


async def _until_alone(hubs: Iterable[Hub]) -> None:
    async with asyncio.timeout(STORY_S):
        while any(hub.connected for hub in hubs):
            await asyncio.sleep(0.02)


def three_hours(folder: Path, homes: int) -> None:
    machine = Machine(folder, MORNING)
    anju = Served(folder, machine)
    try:
        anju.start()
        street = asyncio.run(lived(anju, machine, homes))
    finally:
        anju.stop()
        machine.close()
    commits = list(Journal.reader(anju.data).read(0))
    facts = [entry for commit in commits for entry in commit.entries if isinstance(entry, Fact)]
    nothing_is_lost(street, [entry for commit in commits for entry in commit.entries])
    every_call_is_raised(street, facts, commits)
    nobody_is_said_to_be_silent(street, facts)


def nothing_is_lost(street: Street, entries: Iterable[object]) -> None:
    starts = [entry.deaf_since for entry in entries if isinstance(entry, ServiceStarted)]
    assert starts[0] is None
    assert starts[1] is not None
    assert abs((starts[1] - MORNING).total_seconds() - DOWN_S) < STEP_S * 2, "deaf from then on, and it knows"
    heard = {(e.message.home, e.message.report.id) for e in entries if isinstance(e, Said) and isinstance(e.message, Heard)}
    boot = street.clock.boot
    for home, hub in street.hubs.items():
        if not hub.cut:
            assert [n for n in range(1, street.said[home] + 1) if (home, f"{boot}-{n}") not in heard] == [], home


def every_call_is_raised(street: Street, facts: list[Fact], commits: list[Commit]) -> None:
    at_once = {
        fact.alert
        for commit in commits
        for reports in ({said.message.report.id for said in commit.entries if isinstance(said, Said) and isinstance(said.message, Heard)},)
        for fact in commit.entries
        if isinstance(fact, AlertRaised) and fact.evidence and fact.evidence[-1].report in reports
    }
    calls = {str(fact.home): fact for fact in facts if isinstance(fact, AlertRaised) and fact.category is Category.CALL_FOR_HELP}
    (fall,) = [fact for fact in facts if isinstance(fact, AlertRaised) and fact.category is Category.FALL]
    assert set(calls) == {home.id for home in street.callers}
    assert set(street.falls) == {fall.home} == {street.fallen.id}
    for raised, said_at in [(fall, street.falls[fall.home]), *((calls[home], at) for home, at in street.calls.items())]:
        (shown,) = raised.evidence
        assert abs((shown.at - said_at).total_seconds()) < 1, "its true time"
        assert raised.alert in at_once, "in the commit that brought it"
        assert (raised.at - MORNING).total_seconds() >= BACK_S
    (still,) = [fact for fact in facts if isinstance(fact, AlertWorsened)]
    assert (still.home, still.key) == (street.fallen.id, "fall-no-movement")


def nobody_is_said_to_be_silent(street: Street, facts: list[Fact]) -> None:
    """But the one whose hub is gone: that is found, and its home is not said to be without a sign of life."""
    assert {fact.home for fact in facts if isinstance(fact, HubLost)} == {street.gone.id}
    assert {fact.home for fact in facts if isinstance(fact, DeviceSilent)} == {street.gone.id}
    raised = [fact for fact in facts if isinstance(fact, AlertRaised) and fact.category in (Category.TECHNICAL, Category.INACTIVITY)]
    assert [(fact.home, fact.rule) for fact in raised] == [(street.gone.id, "hub-silent")]


@pytest.mark.timeout(900)
def test_three_hours_down_cost_nobody_a_call_and_nobody_is_said_to_be_silent(tmp_path: Path) -> None:
    three_hours(tmp_path, 8)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_three_hours_down_in_a_community_of_two_hundred_homes(tmp_path: Path) -> None:
    three_hours(tmp_path, 200)
