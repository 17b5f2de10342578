"""Versions of the rules over HTTP: brought and refused with every problem, put live by who may, gone back to; and what is shown of it."""

from collections.abc import Iterator

import pytest

from tests.web_alarm import AREA, HOME, ruleset
from tests.web_desk import ADMIN, Json, Service, service

DRAFT = """
[[rule]]
kind = "threshold"
id = "pulse-fast"
category = "health"
priority = 2
matter = "pulse"
property = "heart_rate"
at_least = 110
clear = 100
title = { zh = "脉搏快", en = "Fast pulse" }
reason = { zh = "{home}脉搏 {value}", en = "pulse of {value} in {home}" }
"""
TESTS = """
[[test]]
name = "A pulse of 112 raises"
about = ["pulse-fast"]
devices = { watch = { model = "anju-watch-1" } }
says = [{ at = "1m", device = "watch", values = { heart_rate = 112 } }]
expect = [{ at = "1m", raises = "pulse-fast" }]

[[test]]
name = "A calm pulse does not"
about = ["pulse-fast"]
devices = { watch = { model = "anju-watch-1" } }
says = [{ at = "1m", device = "watch", values = { heart_rate = 70 } }]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("versions") / "data") as running:
        running.register()
        made = running.admin.post("/devices", json={"id": "watch", "home": HOME, "model": "anju-watch-1"})
        assert made.status_code == 201, made.text
        running.admin.timeout = 60
        yield running


def versions(desk: Service) -> list[Json]:
    answer = desk.operator.get("/rules/versions")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def test_the_rules_that_hold_are_listed_with_their_words(desk: Service) -> None:
    page = desk.operator.get("/rules").json()
    assert [rule["id"] for rule in page["items"]] == [rule.id for rule in ruleset().rules]
    smoke = next(rule for rule in page["items"] if rule["id"] == "spo2-low")
    assert smoke["words"] == {"zh": "血氧达到或低于 91 %，立刻即报警", "en": "raises when spo2 is at or under 91 %, at once"}
    assert smoke["settings"]["at_most"] == "91.0"
    assert (smoke["clears"]["en"], smoke["counts"]["zh"]) == ("it clears at a reading at or over 93%", "任何时候")
    assert (smoke["policy"], smoke["may_be_silenced"], smoke["alerts"]) == ("prompt", True, True)
    assert (smoke["version"], smoke["since"] is not None) == (page["version"], True)
    assert (page["chosen"], page["ruleset"]) == (False, ruleset().version)


def test_a_draft_is_refused_with_every_problem_at_once(desk: Service) -> None:
    wrong = DRAFT.replace("at_least", "at_lest").replace('"heart_rate"', '"hart_rate"').replace("priority = 2", 'priority = "two"')
    before = len(versions(desk))
    refused = desk.admin.post("/rules/versions", content=wrong, headers={"Content-Type": "application/toml"})
    assert refused.status_code == 422
    assert [fault["place"] for fault in refused.json()["errors"]] == ["rule[0].priority", "rule[0].property", "rule[0].at_lest"]
    assert "did you mean 'at_least'?" in refused.json()["detail"]
    failing = desk.admin.post("/rules/versions", json={"rules": DRAFT, "tests": TESTS.replace("= 70", "= 111")})
    assert failing.status_code == 422
    assert "A calm pulse does not" in failing.json()["detail"]
    assert "not expected at 1m: raises 'pulse-fast'" in failing.json()["detail"]
    for body in ({"rules": ""}, {"rules": DRAFT, "more": 1}, {"rules": "not = ["}, {"rules": "# nothing\n"}):
        assert desk.admin.post("/rules/versions", json=body).status_code == 422, body
    assert len(versions(desk)) == before


def test_a_draft_is_brought_put_live_judged_by_and_gone_back_from(desk: Service) -> None:
    brought = desk.admin.post("/rules/versions", json={"rules": DRAFT, "tests": TESTS, "note": "faster"})
    assert brought.status_code == 201, brought.text
    draft = brought.json()
    assert (draft["origin"], draft["live"], draft["by"], draft["note"]) == ("draft", False, ADMIN, "faster")
    assert [(change["rule"], change["change"]) for change in draft["changes"]] == [("pulse-fast", "added")]
    seq = desk.alarm.report("watch", home=HOME, area=AREA, heart_rate=115)
    desk.see(seq)
    assert not [a for a in desk.admin.get("/alerts", params={"home": HOME}).json()["items"] if a["rule"] == "pulse-fast"], "not live yet"

    path = f"/rules/versions/{draft['version']}/activate"
    assert desk.operator.post(path, json={"reason": "I may not"}).status_code == 403
    assert desk.admin.post(path, json={"reason": " "}).status_code == 422
    assert desk.admin.post("/rules/versions/nothing/activate", json={"reason": "x"}).status_code == 404
    key = {"Idempotency-Key": "once"}
    body = {"reason": "agreed with the clinic", "backtest": "two weeks, 3 added"}
    for _ in range(2):
        live = desk.admin.post(path, json=body, headers=key)
        assert live.status_code == 200, live.text
        assert live.json()["live"]
    (activation,) = live.json()["activations"]
    assert (activation["by"], activation["reason"], activation["backtest"]) == (ADMIN, "agreed with the clinic", "two weeks, 3 added")
    assert desk.admin.post(path, json=body).status_code == 409, "live already"

    desk.see(desk.alarm.report("watch", home=HOME, area=AREA, heart_rate=118))
    (alert,) = [a for a in desk.admin.get("/alerts", params={"home": HOME}).json()["items"] if a["rule"] == "pulse-fast"]
    assert alert["rule_version"] == activation["ruleset"]
    whole = desk.operator.get(f"/alerts/{alert['id']}").json()
    assert whole["explanation"]["rule"]["en"] == "raises when heart rate is at or over 110 /min, at once"
    assert whole["explanation"]["clears"]["en"] == "it clears at a reading at or under 100 /min"
    assert whole["evidence"][0]["value"] == 118
    assert desk.operator.get(f"/rules/versions/{alert['rule_version']}").json()["version"] == draft["version"]

    held = {rule["id"]: rule for rule in desk.operator.get("/rules").json()["items"]}
    assert held["pulse-fast"]["version"] == draft["version"] != held["spo2-low"]["version"], "each from the version that brought it"
    assert held["pulse-fast"]["since"] > held["spo2-low"]["since"]

    listed = versions(desk)
    assert [one["live"] for one in listed] == [True] + [False] * (len(listed) - 1)
    files = next(one for one in listed if one["origin"] == "files")
    assert [change["change"] for change in files["changes"]] == ["removed"]
    back = desk.admin.post(f"/rules/versions/{files['version']}/activate", json={"reason": "too many of them"})
    assert back.status_code == 200, back.text
    assert back.json()["activations"][0]["reason"] == "too many of them"
    assert desk.operator.get(f"/alerts/{alert['id']}").json()["explanation"]["rule"]["en"].startswith("raises when heart rate"), "as it was"


def test_each_rule_says_how_it_stands_for_a_home(desk: Service) -> None:
    desk.see(desk.alarm.report("watch", home=HOME, area=AREA, heart_rate=38, spo2=97))
    told = desk.operator.get(f"/homes/{HOME}/judgement")
    assert told.status_code == 200, told.text
    items = {(one["rule"], one["device"]): one for one in told.json()["items"]}
    low = items["heart-rate-low", "watch"]
    assert (low["phase"], low["numbers"]["heart_rate"], low["numbers"]["clear"]) == ("firing", 38, 45)
    assert low["clears"]["zh"] == "读数不低于 45 次/分 即恢复"
    assert items["spo2-low", "watch"]["phase"] == "idle"
    assert items["gas", None]["phase"] == "not_watched"
    assert "gas_alarm" in items["gas", None]["sentence"]["en"]
    assert {rule for rule, _ in items} == {rule.id for rule in ruleset().rules if rule.alerts and rule.id != "hub-silent"}
    assert desk.operator.get("/homes/nobody/judgement").status_code == 404
    assert [look["through"] for look in desk.admin.get(f"/homes/{HOME}/looks").json()["items"]][:1] == ["judgement"]


def test_versions_are_there_again_after_a_restart_of_the_web_process(desk: Service) -> None:
    before = versions(desk)
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    assert versions(desk) == before
