"""What stands behind the page in its tests: a desk that does as a test tells it.

What it offers beyond the contract are the misfortunes: `sever()` the connections, fall `silent`, forget positions (`forget()`), claim
behind the page's back.
"""

import threading
from datetime import UTC, datetime, timedelta
from time import monotonic

from tests.page_community import AREA, AREA_NAME, KINDS, Json, at_home, home_name, homes, resident, samples, stamp

NIGHT = datetime(2026, 11, 21, 19, 12, 5, tzinfo=UTC)
"""03:12:05 in the county: the service's clock is not the browser's, and the page must follow the service's."""
OPEN_ACTIONS = ["claim", "acknowledge", "note", "hold", "escalate", "transfer", "respond", "close"]


class Desk:
    """The state behind the page, and the switches of the test."""

    def __init__(self, *, user: str = "zhangmin", beat_s: float = 1.0) -> None:
        self.user, self.beat_s = user, beat_s
        self.homes = homes()
        self.alerts: dict[str, Json] = {}
        self.events: list[tuple[int, Json]] = []
        self.oldest = 0
        self.seq = 100
        self.changed = threading.Condition()
        self.generation = 0
        self.answering = True
        self.silent = False
        self.unanswering = False
        """The alarm process does not answer commands: 503, and nobody knows whether they will be done."""
        self.beat: Json = {"alarm_process": "up", "ready": True, "problems": []}
        self.login: Json = {"demo_username": None, "demo_password": None, "timezone": "Asia/Shanghai"}
        self.colleagues: list[Json] | None = [{"username": user, "role": "operator"}]
        """Who works here; None: a service that does not tell."""
        self.today: Json | None = None
        self.arranged: dict[str, list[Json]] = {}
        """What was arranged for a home, the latest first."""
        self.sampled = samples
        """What the homes' devices measured: a test may put its own here."""
        self.sampled_from = NIGHT - timedelta(days=30)
        """Nothing is recorded before."""
        self.answered_late: dict[str, threading.Event] = {}
        """By method and path: an answer is made up at once, and sent when the event is set."""
        self.homes_read: list[str] = []
        self.resumed_from: list[str] = []
        self.keys_seen: dict[str, tuple[int, Json]] = {}
        self._start = monotonic()

    def now(self) -> datetime:
        return NIGHT + timedelta(seconds=monotonic() - self._start)

    def set_mode(self, home: str, body: Json | None) -> tuple[int, Json]:
        """As the service does; None ends it."""
        if body is None:
            mode = self.homes[home]["mode"] = at_home(home)
            said = ("结束外出模式", "ended it")
        elif datetime.fromisoformat(str(body["until"])) <= self.now():
            return problem(409, "模式须在将来结束", "a mode ends in the future")
        else:
            mode = self.homes[home]["mode"] = at_home(home) | body | {"since": stamp(self.now()), "by": self.user}
            said = ("设为外出", "set the home to away")
        entry: Json = {"seq": 1, "at": stamp(self.now()), "kind": "mode_set", "by": self.user, "text": f"{self.user} {said[0]}"}
        self.arranged.setdefault(home, []).insert(0, entry | {"text_en": f"{self.user} {said[1]}", "data": {}})
        return 200, mode

    def raise_alert(self, category: str, home: str | None, *, ago_s: float = 0, room: str = "", **changes: object) -> str:
        priority, title, title_en, reason, reason_en, property_, device = KINDS[category]
        at = self.now() - timedelta(seconds=ago_s)
        alert = f"a-{len(self.alerts) + 1:03d}"
        record: Json = {
            "id": alert, "home": home, "home_name": home_name(home) if home else "",
            "residents": [resident(home)] if home else [],
            "area": AREA, "area_name": AREA_NAME, "device": f"{home}-{device}" if home else None, "room": room, "category": category,
            "priority": priority, "status": "triggered", "origin": "real", "title": title, "title_en": title_en, "reason": reason,
            "reason_en": reason_en, "rule": category, "rule_version": "1", "policy": "default",
            "raised_at": stamp(at), "last_at": stamp(at),
            "repeats": 0, "cleared_at": None, "cancelled_at": None, "claimed_by": None, "claimed_at": None, "first_claimed_at": None,
            "acknowledged_by": None,
            "acknowledged_at": None, "held_until": None, "held_reason": "", "transferred_to": "", "step": 0, "round": 0,
            "next_step_at": stamp(at + timedelta(seconds=max(60, ago_s + 37))), "responders": [], "closed_at": None, "closed_by": None,
            "disposition": None, "silenced_by": None, "folded_into": None, "stored": True, "timeline": [], "timeline_count": 0,
            "evidence": [{
                "device": f"{home}-{device}", "report": "01J", "at": stamp(at), "received_at": stamp(at), "property": property_,
                "value": 38 if property_ == "heart_rate" else True, "clock_suspect": False, "raw": None, "raw_encoding": None,
            }],
            "allowed_actions": OPEN_ACTIONS,
        }  # fmt: skip
        with self.changed:
            self._tell(record, "raised", None, reason, reason_en, at=at)
            targets: Json = {"step": 0, "targets": ["desk", "family-1"]}
            self._tell(record, "step_reached", None, "升级到第 1 步", "step 1 was due", at=at, data=targets)
            record |= changes
            self._publish(record)
        return alert

    def raise_outage(self, homes: tuple[str, ...]) -> str:
        """An area's alert with a list of homes, a technical alert of each folded into it."""
        rows = [self._listed(home, number) for number, home in enumerate(homes)]
        said = {"title": f"安和社区：{len(homes)} 户断电", "title_en": f"安和社区: {len(homes)} homes without mains"}
        title, title_en = said["title"], said["title_en"]
        alert = self.raise_alert("technical", None, ago_s=700, priority=2, next_step_at=None, evidence=[], title=title, title_en=title_en)
        self.change(alert, welfare=rows, welfare_counts=_counts(rows), welfare_next=None)
        for home in homes:
            self.raise_alert("technical", home, ago_s=690, folded_into=alert, next_step_at=None)
        return alert

    def _listed(self, home: str, number: int) -> Json:
        record = self.homes[home]
        residents = record["residents"]
        assert isinstance(residents, list)
        year, medical = residents[0]["birth_year"], str(residents[0]["medical"])
        risk = ["life_support"] * ("氧" in medical) + ["medical"] * bool(medical) + ["old"] * (2026 - year >= 80) + ["alone"]
        return {
            "home": home, "home_name": record["name"], "area_name": AREA_NAME, "residents": [resident(home)], "phone": record["phone"],
            "age": 2026 - year, "risk": risk, "dark": "mains", "dark_since": stamp(self.now() - timedelta(seconds=700 - number)),
            "back_at": None, "last_sign_at": stamp(self.now() - timedelta(minutes=number)), "result": None, "checked_at": None,
            "checked_by": None, "note": "", "open_alerts": [],
        }  # fmt: skip

    def mark(self, alert: str, home: str, body: Json) -> tuple[int, Json]:
        """As the service does: who was found safe stands last."""
        with self.changed:
            record = dict(self.alerts[alert])
            rows = record["welfare"]
            assert isinstance(rows, list)
            found = {"result": body["result"], "checked_at": stamp(self.now()), "checked_by": self.user}
            rows = [row | found if row["home"] == home else row for row in rows]
            rows.sort(key=lambda row: {"needs_help": 0, None: 1, "no_answer": 1, "visit": 2, "safe": 3}[row["result"]])
            record |= {"welfare": rows, "welfare_counts": _counts(rows)}
            self._tell(record, "welfare_noted", self.user, home, home, data={"home": home, "result": body["result"], "note": ""})
            self._publish(record)
            return 200, next(row for row in rows if row["home"] == home)

    def change(self, alert: str, **changes: object) -> None:
        """What others do to it: another operator, the world, the clock."""
        with self.changed:
            self._publish(self.alerts[alert] | changes)

    def act(self, alert: str, action: str, body: Json) -> tuple[int, Json]:
        with self.changed:
            known = self.alerts.get(alert)
            if known is None:
                return problem(404, "没有这条求助", "there is no such alert")
            record = dict(known)
            if record["status"] == "closed":
                return problem(409, "这条求助已经关闭。", "This alert is already closed.")
            if action == "claim" and record["claimed_by"] == self.user:
                return problem(409, "这条求助已在你手中。", "You already have this alert.")
            self._carry_out(record, action, body)
            self._publish(record)
            return 200, record

    def _carry_out(self, record: Json, action: str, body: Json) -> None:
        at = stamp(self.now())
        kind = {"claim": "claimed", "acknowledge": "acknowledged", "note": "noted", "hold": "held", "escalate": "escalated"}
        kind |= {"transfer": "transferred", "respond": "help_reported", "close": "closed"}
        data = dict(body)
        match action:
            case "claim":
                data = {"taken_over_from": record["claimed_by"]}
                record |= {"claimed_by": self.user, "claimed_at": at}
            case "acknowledge":
                record |= {"claimed_by": self.user, "acknowledged_by": self.user, "acknowledged_at": at, "status": "acknowledged"}
                record["next_step_at"] = None
            case "hold":
                until = stamp(self.now() + timedelta(minutes=float(str(body["minutes"]))))
                data["until"] = record["held_until"] = until
            case "transfer":
                record |= {"transferred_to": body["to"], "claimed_by": None}
            case "respond":
                responders = record["responders"]
                assert isinstance(responders, list)
                record["responders"] = [*responders, {"name": body["responder"], "stage": body["stage"], "at": at}]
            case "close":
                record |= {"status": "closed", "closed_at": at, "closed_by": self.user, "disposition": body["disposition"]}
                record |= {"allowed_actions": ["note"], "next_step_at": None}
            case _:
                pass
        self._tell(record, kind[action], self.user, action, action, data=data)

    def _tell(
        self, record: Json, kind: str, by: str | None, text: str, text_en: str, *, at: datetime | None = None, data: Json | None = None
    ) -> None:
        timeline = record["timeline"]
        assert isinstance(timeline, list)
        self.seq += 1
        said = {"kind": kind, "by": by, "text": text, "text_en": text_en, "data": data or {}}
        line = {"seq": self.seq, "at": stamp(at or self.now())} | said
        record["timeline"] = [*timeline, line]
        record["timeline_count"] = len(timeline) + 1

    def _publish(self, record: Json) -> None:
        self.seq += 1
        self.alerts[str(record["id"])] = record
        self.events.append((self.seq, record))
        self.changed.notify_all()

    def sever(self) -> None:
        """Every connection ends, and nobody answers until `mend()`."""
        with self.changed:
            self.answering = False
            self.generation += 1
            self.changed.notify_all()

    def mend(self) -> None:
        self.answering = True

    def forget(self) -> None:
        """No position before now is known any more: a page that resumes is told to load anew."""
        self.oldest = self.seq + 1
        self.events.clear()


def _counts(rows: list[Json]) -> Json:
    dark = [row for row in rows if row["back_at"] is None]
    return {"homes": len(rows), "dark": len(dark), "unchecked": sum(row["result"] in (None, "no_answer") for row in dark)}


def problem(status: int, zh: str, en: str) -> tuple[int, Json]:
    sentence = {"zh": zh, "en": en}
    return status, {"type": "about:blank", "title": "Refused", "status": status, "detail": en, "sentence": sentence, "errors": []}


def a_busy_night(desk: Desk) -> None:
    """An alert of every kind and in every state."""
    soon = stamp(desk.now() + timedelta(minutes=9))
    now = stamp(desk.now())
    desk.raise_alert("fire", "h-0101", ago_s=131, room="kitchen", claimed_by="liwei", repeats=3)
    mine = {"claimed_by": desk.user, "acknowledged_by": desk.user, "status": "acknowledged", "acknowledged_at": now, "next_step_at": None}
    desk.raise_alert("fall", "h-0603", ago_s=96, room="living_room", **mine)
    desk.raise_alert("call_for_help", "h-0402", ago_s=42, room="bathroom", repeats=2)
    desk.raise_alert("gas", "h-0202", ago_s=12, room="kitchen", stored=False)
    desk.raise_alert("inactivity", "h-0304", ago_s=1290, held_until=soon, next_step_at=None, claimed_by=desk.user)
    desk.raise_alert("health", "h-0501", ago_s=75, room="bedroom")
    desk.raise_alert("wandering", "h-0102", ago_s=64, room="hall", transferred_to="lead")
    desk.raise_alert("water", "h-0701", ago_s=340, room="bathroom", cleared_at=now)
    desk.raise_alert("intrusion", "h-0203", ago_s=510, room="hall", cancelled_at=now)
    desk.raise_alert("technical", "h-0601", ago_s=30_400, room="bathroom", silenced_by="s-1", next_step_at=None)
    desk.raise_alert("technical", None, ago_s=700, title="片区 37 户断电", title_en="37 homes without mains", next_step_at=None)
    desk.raise_alert("technical", "h-0402", ago_s=93_000, room="bathroom", next_step_at=None)
