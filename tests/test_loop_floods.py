"""Much at once in the loop: of devices, of refusals, of readings between which a call comes, of what waits for one commit."""

import asyncio
import json
from pathlib import Path

from alerting.items import Said
from alerting.terms import Category
from gateway.loop import BATCH, PIECE, QUARANTINE_WAITING
from gateway.reading import DEVICES_MOST, REFUSALS_A_MINUTE
from tests.household import AREA
from tests.looping import Service, live


def test_what_the_rights_forbid_is_shown_a_few_times_a_minute_and_counted_always(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(5 * REFUSALS_A_MINUTE):
            at.loop.refuse("anju/v1/x", "kit", "no", b"{}", number)
        assert at.loop.waiting <= REFUSALS_A_MINUTE
        for number in range(3 * QUARANTINE_WAITING):
            at.loop.refuse("anju/v1/x", f"kit-{number}", "no", b"{}", number)
        assert at.loop.waiting <= QUARANTINE_WAITING
        assert at.loop.counters.quarantined == 5 * REFUSALS_A_MINUTE + 3 * QUARANTINE_WAITING
        await at.until(lambda: not at.loop.waiting)
        at.loop.refuse("anju/v1/x", "another", "no", b"{}", 2)
        await at.until(lambda: any(q.username == "another" for q in at.quarantined()))

    live(tmp_path, story)


def test_a_home_has_no_end_of_devices_and_still_a_call_of_a_new_one_is_taken(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(DEVICES_MOST):
            at.says("h1", f"new-{number}", {"rssi": -50})
        await at.until(lambda: not at.loop.waiting)
        await at.hears("h1", "one-more", {"rssi": -50})
        assert "devices already" in at.quarantined()[-1].reason
        await at.hears("h1", "one-more", {"pull_cord": True})
        assert at.raised()[-1].device == "one-more"
        await at.hears("h1", "watch-h1", {"heart_rate": 70})
        assert at.quarantined()[-1].topic.endswith("one-more/report")

    live(tmp_path, story)


def test_what_comes_behind_a_hubs_list_is_read_by_it_while_the_list_waits_for_its_commit(tmp_path: Path) -> None:
    def listing(on: str) -> bytes:
        feature = {"type": "binary", "property": "water_leak", "access": 1, "value_on": on, "value_off": "FINE"}
        device = {"ieee_address": "0x00158d0000000001", "friendly_name": "k", "type": "EndDevice", "definition": {"exposes": [feature]}}
        return json.dumps([device]).encode()

    async def story(at: Service) -> None:
        base = f"anju/v1/{AREA}/h1/bridge/zigbee2mqtt/zigbee2mqtt"
        at.telemetry = False  # lists wait
        await at.passes(1)
        at.says("h1", "", {}, topic=f"{base}/bridge/devices", raw=listing("SOAKED"))
        await at.hears("h2", "cord-h2", {"pull_cord": True})  # a commit that has not got the list
        at.says("h1", "", {}, topic=f"{base}/k", raw=b'{"water_leak":"SOAKED"}')
        at.telemetry = True
        await at.until(lambda: any(r.category is Category.WATER for r in at.raised()))

    live(tmp_path, story)


def test_two_hubs_of_a_home_are_each_read_by_their_own_list(tmp_path: Path) -> None:
    def listing(name: str, on: str) -> bytes:
        feature = {"type": "binary", "property": "water_leak", "access": 1, "value_on": on, "value_off": "FINE"}
        address = "0x00158d0000000001" if on == "SOAKED" else "0x00158d0000000002"
        return json.dumps([{"ieee_address": address, "friendly_name": name, "definition": {"exposes": [feature]}}]).encode()

    async def story(at: Service) -> None:
        branch = f"anju/v1/{AREA}/{{}}/bridge/zigbee2mqtt"
        for home in ("h1", "h2"):
            at.says(home, "", {}, topic=f"{branch.format(home)}/upstairs/bridge/devices", raw=listing("k", "SOAKED"))
            at.says(home, "", {}, topic=f"{branch.format(home)}/downstairs/bridge/devices", raw=listing("k", "DRENCHED"))
        at.says("h1", "", {}, topic=f"{branch.format('h1')}/upstairs/k", raw=b'{"water_leak":"SOAKED"}')
        at.says("h2", "", {}, topic=f"{branch.format('h2')}/downstairs/k", raw=b'{"water_leak":"DRENCHED"}')
        await at.until(lambda: {r.home for r in at.raised() if r.category is Category.WATER} == {"h1", "h2"})

    live(tmp_path, story)


def test_a_call_that_comes_while_readings_are_decided_waits_for_a_piece_of_them_and_not_for_all(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        readings = [service.says("h1", "watch-h1", {"steps": number}, name=f"reading-{number}") for number in range(BATCH)]
        while service.loop.waiting == len(readings):
            await asyncio.sleep(0)
        assert service.loop.waiting, "all of them were decided without a look at anything else"
        service.says("h2", "cord-h2", {"pull_cord": True}, name="call")
        await service.until(lambda: set(readings) <= set(service.acknowledged))
        assert service.acknowledged.index("call") <= 2 * PIECE
        assert [said for said in service.acknowledged if said != "call"] == readings

    live(tmp_path, story)


def test_a_call_that_comes_while_readings_are_decided_is_committed_with_them_and_not_after_them(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        for number in range(BATCH):
            service.says("h1", "watch-h1", {"steps": number}, name=f"reading-{number}")
        while service.loop.waiting == BATCH:
            await asyncio.sleep(0)
        decided, committed = BATCH - service.loop.waiting, service.loop.counters.commits
        service.says("h2", "cord-h2", {"pull_cord": True}, name="call")
        await service.until(lambda: "call" in service.acknowledged)
        assert service.loop.counters.commits == committed + 1
        assert service.acknowledged.index("call") >= decided

    live(tmp_path, story)


def test_a_commit_has_about_a_mebibyte_however_much_waits(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(60):
            values = json.dumps({"id": f"r{number}", "values": {"heart_rate": 70}, "more": "x" * 60_000})
            at.says("h1", "watch-h1", {}, name=f"r{number}", raw=values.encode())
        await at.until(lambda: len([e for e in at.entries if isinstance(e, Said)]) == 60)
        assert max(at.sizes) < 2 << 20

    live(tmp_path, story)
