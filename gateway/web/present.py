"""What is known, put into the shapes of the contract."""

import base64
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from alerting.alert import Alert, allowed_actions
from alerting.escalation import Due, deadline, policy_for
from alerting.items import Finding, Quarantined
from alerting.schedule import ModeSpan
from alerting.suppression import CONFIRM_WITHIN
from alerting.terms import Evidence, Mode, Origin, Status
from devices.catalog import Model
from devices.home import Area, AreaId, Device, Home, HomeId, Person
from devices.home import Role as PersonRole
from gateway.rules.words import ends, in_words
from gateway.web.figure_shapes import FindingShape
from gateway.web.home_shapes import HomeCard, HomeShape, ModeShape, UnwatchedShape
from gateway.web.place_records import DeviceState, Issued
from gateway.web.places import Places
from gateway.web.problems import Words
from gateway.web.shapes import (
    AlertShape,
    AreaShape,
    CredentialShape,
    DeviceShape,
    EvidenceShape,
    ExplanationShape,
    ModelShape,
    PersonShape,
    QuarantineShape,
    ResponderShape,
    TimelineEntry,
    WelfareCounts,
)
from gateway.web.viewrows import AlertRecord, Line

UNWATCHED_FOR = timedelta(days=31)
NEWEST_ENTRIES = 20
"""Of the timeline, in lists and on the stream."""


def readable(raw: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), "base64"


def evidence_shape(evidence: Evidence, *, whole: bool) -> EvidenceShape:
    raw, encoding = readable(evidence.raw) if whole and evidence.raw else (None, None)
    return EvidenceShape(
        device=evidence.device,
        report=evidence.report,
        at=evidence.at,
        received_at=evidence.received_at,
        property=evidence.observation.property,
        value=evidence.observation.value,
        clock_suspect=evidence.clock_suspect,
        raw=raw,
        raw_encoding=encoding,
    )


def entry_shape(line: Line) -> TimelineEntry:
    return TimelineEntry(
        seq=line.seq or None,
        at=line.at,
        kind=line.kind,
        by=line.by,
        text=line.sentence.zh,
        text_en=line.sentence.en,
        data=line.data,
    )


def alert_shape(record: AlertRecord, places: Places, *, whole: bool = False) -> AlertShape:
    """`whole`: with the raw messages and every entry of the timeline."""
    alert = record.alert
    home = places.homes.get(alert.home)
    timeline = record.timeline if whole else record.timeline[-NEWEST_ENTRIES:]
    return AlertShape(
        id=alert.id,
        home=alert.home or None,
        home_name=home.name if home else "",
        residents=residents(places, alert.home),
        area=alert.area,
        area_name=area_name(places, alert.area),
        device=alert.device,
        room=alert.room,
        category=alert.category,
        priority=int(alert.priority),
        status=alert.status,
        origin=alert.origin,
        title=alert.title.zh,
        title_en=alert.title.en,
        reason=alert.reason.zh,
        reason_en=alert.reason.en,
        rule=alert.rule,
        rule_version=alert.rule_version,
        policy=alert.policy,
        raised_at=alert.raised_at,
        last_at=alert.last_at,
        repeats=alert.repeats,
        cleared_at=alert.cleared_at,
        cancelled_at=alert.cancelled_at,
        shown_priority=int(alert.shown_priority),
        owner=alert.owner,
        claimed_by=alert.claimed_by,
        claimed_at=alert.claimed_at,
        first_claimed_at=alert.first_claimed_at,
        claim_follows=alert.claim_follows,
        viewed_at=alert.viewed_at,
        viewed_by=alert.viewed_by,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=alert.acknowledged_at,
        held_until=alert.held_until,
        held_reason=alert.held_reason,
        return_priority=int(alert.return_priority) if alert.return_priority else None,
        transferred_to=alert.transferred_to,
        step=alert.step,
        round=alert.round,
        next_step_at=goes_on_at(alert, places),
        responders=[ResponderShape(name=r.name, stage=r.stage, at=r.at) for r in alert.responders],
        closed_at=alert.closed_at,
        closed_by=alert.closed_by,
        disposition=alert.disposition or None,
        event=alert.event or None,
        rearm_at=alert.rearm_at,
        anew_of=alert.anew_of,
        chattering_at=alert.chattering_at,
        standing_at=alert.standing_at,
        confirm_by=alert.raised_at + CONFIRM_WITHIN if alert.open and alert.origin is Origin.TEST else None,
        silenced_by=alert.silenced_by,
        folded_into=alert.folded_into,
        stored=record.stored,
        evidence=[evidence_shape(e, whole=whole) for e in alert.evidence],
        timeline=[entry_shape(line) for line in timeline],
        timeline_count=len(record.timeline),
        allowed_actions=list(allowed_actions(alert)),
        explanation=explanation(alert, places) if whole else None,
        welfare_counts=None if alert.home else WelfareCounts(**msgspec.structs.asdict(places.welfare.counts(alert.id))),
    )


def goes_on_at(alert: Alert, places: Places) -> datetime | None:
    """When the next step comes if nobody does anything: a claim holds it back until it lapses, a hold until it ends."""
    if alert.status is not Status.TRIGGERED or alert.next_step_at is None:
        return None
    due = deadline(alert, policy_for(places.ruleset, alert.category, alert.policy), muted=False)
    if due is None or due.due in (Due.TESTER, Due.SELF_CHECK):
        return None
    return max(due.at, alert.next_step_at) if due.due is Due.CLAIM else due.at


def explanation(alert: Alert, places: Places) -> ExplanationShape | None:
    """By the rule as it was when it raised the alert, as far as that version is remembered; else as it is now."""
    rulesets = [activation.ruleset for activation in places.activations.values() if activation.ruleset.version == alert.rule_version]
    for ruleset in (*rulesets, places.ruleset):
        rule = next((rule for rule in ruleset.rules if rule.id == alert.rule), None)
        if rule is not None:
            return ExplanationShape(rule=Words.of(in_words(rule, ruleset)), clears=Words.of(ends(rule, ruleset)), source=rule.source)
    return None


def alert_json(record: AlertRecord, places: Places) -> bytes:
    """As lists and the stream show it, encoded."""
    return alert_shape(record, places).model_dump_json().encode()


def area_name(places: Places, area: AreaId) -> str:
    known = places.areas.get(area)
    return known.name if known else ""


def residents(places: Places, home: HomeId) -> list[str]:
    return [person.name for person in places.people_of(home) if person.role is PersonRole.RESIDENT]


def finding_shape(finding: Finding, places: Places) -> FindingShape:
    home = places.homes.get(finding.home)
    return FindingShape(
        area=finding.area,
        home=finding.home,
        home_name=home.name if home else "",
        matter=finding.matter,
        sentence=finding.sentence.zh,
        sentence_en=finding.sentence.en,
        device=finding.device,
    )


def area_shape(area: Area) -> AreaShape:
    return AreaShape(id=area.id, name=area.name, parent=area.parent)


def person_shape(person: Person) -> PersonShape:
    return PersonShape(
        id=person.id,
        home=person.home,
        role=person.role,
        name=person.name,
        phone=person.phone,
        order=person.order,
        birth_year=person.birth_year,
        medical=person.medical,
        speech=person.speech,
        note=person.note,
        hours=list(person.hours),
        vulnerable=person.vulnerable,
    )


def credential_shape(issued: Issued) -> CredentialShape:
    return CredentialShape(username=issued.username, scope=issued.scope, issued_at=issued.at)


def device_shape(device: Device, places: Places, credentials: list[Issued] | None = None) -> DeviceShape:
    """What the registry does not say of the device, its model does."""
    home = places.homes.get(device.home)
    state = places.states.get((device.home, device.id)) or DeviceState()
    model = places.models.get(device.model)
    return DeviceShape(
        id=device.id,
        home=device.home,
        area=home.area if home else "",
        model=device.model,
        vendor=device.vendor or (model.vendor if model else ""),
        dialect=device.dialect,
        room=device.room,
        name=device.name,
        exposes=list(device.exposes or (model.exposes if model else ())),
        lifecycle=device.lifecycle,
        registered_at=device.registered_at,
        online=state.online,
        last_heard_at=state.last_heard_at,
        battery=state.battery,
        signal=state.signal,
        firmware=state.firmware,
        certified=places.certificates.standing(device.model, state.firmware),
        credentials=[credential_shape(issued) for issued in credentials or ()],
    )


def home_shape(home: Home, places: Places) -> HomeShape:
    return HomeShape(
        id=home.id,
        area=home.area,
        area_name=area_name(places, home.area),
        name=home.name,
        address=home.address,
        phone=home.phone,
        access=home.access,
        note=home.note,
        latitude=home.latitude,
        longitude=home.longitude,
        ground=list(home.ground),
        building=home.building,
        carrier=home.carrier,
    )


def mode_shape(home: Home, span: ModeSpan | None) -> ModeShape:
    if span is None:
        return ModeShape(home=home.id, home_name=home.name, mode=Mode.HOME, since=None, until=None, by=None, reason="", ending=False)
    return ModeShape(
        home=home.id,
        home_name=home.name,
        mode=span.mode,
        since=span.since,
        until=span.until,
        by=span.by,
        reason=span.reason,
        ending=span.reminded,
    )


def home_card(home: Home, places: Places, open_alerts: list[str], now: datetime) -> HomeCard:
    people, minutes = places.people_of(home.id), places.ruleset.utc_offset_minutes
    gaps = [(gap, gap.sentence(minutes)) for gap in places.hearing.told(home.id, now - UNWATCHED_FOR, now)]
    return HomeCard(
        **home_shape(home, places).model_dump(),
        residents=[person_shape(p) for p in people if p.role is PersonRole.RESIDENT],
        contacts=[person_shape(p) for p in people if p.role is not PersonRole.RESIDENT],
        devices=[device_shape(d, places) for d in places.devices_of(home.id)],
        open_alerts=open_alerts,
        mode=mode_shape(home, arranged.mode if (arranged := places.arranged.get(home.id)) else None),
        unwatched=[UnwatchedShape(since=g.since, until=g.until, cause=g.cause, text=said.zh, text_en=said.en) for g, said in gaps],
    )


def model_shape(model: Model) -> ModelShape:
    return ModelShape(
        id=model.id,
        vendor=model.vendor,
        name=model.name,
        name_en=model.name_en,
        kind=model.kind.value,
        dialect=model.dialect,
        exposes=list(model.exposes),
        heartbeat_s=None if model.heartbeat is None else model.heartbeat.total_seconds(),
    )


def quarantine_shape(seq: int, item: Quarantined) -> QuarantineShape:
    raw, encoding = readable(item.raw)
    return QuarantineShape(
        seq=seq,
        at=item.at,
        topic=item.topic,
        place=item.place,
        reason=item.reason,
        username=item.username,
        size=item.size,
        raw=raw,
        raw_encoding=encoding,
    )
