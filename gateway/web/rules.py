"""The rules by HTTP: those that hold, every version that was brought or has held, and putting one live, with who, when, why."""

import asyncio
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints, ValidationError

from alerting.commands import ActivateRules
from alerting.rulebook import rules_version
from alerting.rules import Rule, Ruleset
from alerting.terms import Category, Sentence
from gateway.rules import particulars
from gateway.rules.diff import differences, written
from gateway.rules.drafts import Draft
from gateway.rules.examine import REFUSED, Wish, examined
from gateway.rules.folder import judged
from gateway.rules.lint import Finding
from gateway.rules.source import TEXT_LIMIT
from gateway.rules.words import ends, in_words, says, titled
from gateway.web import paging
from gateway.web.auth import JUDGE, READ, Identity
from gateway.web.bodies import Body, Said, Short
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.place_records import Activation
from gateway.web.places import Places
from gateway.web.problems import Fault, Problem, ProblemDetails, Words, missing
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["rules"])

_BODY = {
    "requestBody": {
        "required": True,
        "description": "The draft as TOML, or JSON with `rules` (TOML), `tests` (TOML of its tests) and `note`.",
        "content": {
            "application/toml": {"schema": {"type": "string"}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["rules"],
                    "properties": {"rules": {"type": "string"}, "tests": {"type": "string"}, "note": {"type": "string"}},
                },
            },
        },
    },
}


class RuleShape(Shape):
    """A rule that holds, so that a nurse can read it; `settings` has every field as its file would say it.

    In `sentence` an `…` stands for what only an alert knows. `version` and `since`: the version of the rules that brought it
    as it is now, as far back as versions are remembered.
    """

    id: str
    kind: str
    category: Category
    priority: int
    title: Words
    words: Words
    """What it waits for."""
    sentence: Words
    """What its alerts say."""
    clears: Words
    """What would end its alert."""
    counts: Words
    """When it counts."""
    alerts: bool
    """False: what it finds is told to the home by safety prompts, and raises no alert."""
    policy: str
    """Wherever an area has none of its own."""
    told: Words
    """Who is told, in the first round of that policy."""
    may_be_silenced: bool
    silenced: Words
    version: str
    since: datetime | None
    source: str
    settings: dict[str, str]


class RulesPage(Page[RuleShape]):
    """`version` is that of the rules alone, `ruleset` what alerts name as `rule_version`. `chosen`: a person put them live."""

    version: str
    ruleset: str
    chosen: bool


class FindingShape(Shape):
    """`kind`: `mistake`, `whole`, `no_policy`, `no_chinese`, `test` refuse a version; the others are only shown."""

    kind: str
    line: int
    key: str
    rule: str
    message: str


class FieldShape(Shape):
    name: str
    before: str
    after: str


class ChangeShape(Shape):
    """What a version has otherwise than the one that is live."""

    rule: str
    change: str
    fields: list[FieldShape]


class ActivationShape(Shape):
    """`by` is empty where the files said so, or where it is no longer known."""

    at: datetime
    by: str
    reason: str
    backtest: str
    ruleset: str


class VersionShape(Shape):
    """`origin`: `draft` was brought by a person, `files` has held as the files said, `folder` is what the files say now."""

    version: str
    origin: str
    live: bool
    rules: int
    at: datetime | None
    by: str
    note: str
    activations: list[ActivationShape]
    findings: list[FindingShape]
    changes: list[ChangeShape]
    """From what is live to this version."""


class WholeVersionShape(VersionShape):
    """With the texts as they were brought."""

    text: str
    tests: str


class DraftBody(Body):
    rules: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT)]
    tests: Annotated[str, StringConstraints(max_length=TEXT_LIMIT)] = ""
    note: Short = ""


class ActivateBody(Body):
    reason: Said
    backtest: Short = ""


@router.get("/rules", dependencies=[READ, NO_QUERY])
async def list_rules(desk: OnDesk) -> RulesPage:
    """What everything is judged by, in the order of the rules."""
    held = desk.views.places.ruleset
    return RulesPage(
        items=[_rule_shape(rule, held, _brought(rule, desk.views.places)) for rule in held.rules],
        version=rules_version(held.rules),
        ruleset=held.version,
        chosen=any(one.chosen for one in desk.views.places.activations.values()),
    )


def _brought(rule: Rule, places: Places) -> Activation | None:
    """Since when it is as it is now."""
    found = None
    for activation in sorted(places.activations.values(), key=lambda one: one.at, reverse=True):
        if rule not in activation.ruleset.rules:
            break
        found = activation
    return found


def _rule_shape(rule: Rule, ruleset: Ruleset, brought: Activation | None) -> RuleShape:
    return RuleShape(
        id=rule.id,
        kind=str(type(rule).__struct_config__.tag),
        category=rule.category,
        priority=int(rule.priority),
        title=Words.of(titled(rule)),
        words=Words.of(in_words(rule, ruleset)),
        sentence=Words.of(says(rule)),
        clears=Words.of(ends(rule, ruleset)),
        counts=Words.of(particulars.counts_when(rule)),
        alerts=rule.alerts,
        policy=particulars.policy_of(rule, ruleset).id,
        told=Words.of(particulars.told(rule, ruleset)),
        may_be_silenced=particulars.may_be_silenced(rule),
        silenced=Words.of(particulars.silenced(rule)),
        version=rules_version((brought.ruleset if brought else ruleset).rules),
        since=brought.at if brought else None,
        source=rule.source,
        settings=written(rule),
    )


@router.get("/rules/versions", dependencies=[READ])
async def list_versions(desk: OnDesk, asked: Annotated[paging.Query, Query()]) -> Page[VersionShape]:
    """Every version that has held or was brought: the live one first, then the latest."""
    known = await _versions(desk)
    names = [f"{index:06}" for index in range(len(known))]
    found, following = paging.page(names, asked.cursor, asked.limit)
    return Page(items=[_shape(desk, known[int(name)]) for name in found], next=following)


@router.get("/rules/versions/{version}", dependencies=[READ, NO_QUERY], responses={404: {"model": ProblemDetails}})
async def one_version(desk: OnDesk, version: str) -> WholeVersionShape:
    """One of them, by its own name or by the `rule_version` of an alert."""
    return _whole(desk, await _found(desk, version))


@router.post(
    "/rules/versions",
    status_code=201,
    dependencies=[NO_QUERY],
    openapi_extra=_BODY,
    responses={422: {"model": ProblemDetails, "description": "It has mistakes, or its tests fail; `errors` names all of them."}},
)
async def bring_version(desk: OnDesk, request: Request, who: Annotated[Identity, JUDGE]) -> WholeVersionShape:
    """A draft, checked and tested as it would be live. It changes nothing until somebody puts it live."""
    body = _read(request.headers.get("content-type", ""), await request.body())
    held = desk.views.places.ruleset
    async with desk.examining:
        try:
            verdict = await examined(Wish(held, body.rules, body.tests, str(desk.drafts.judging)))
        except (TimeoutError, RuntimeError, OSError) as problem:
            said = Sentence("规则检查未能完成，请稍后再试", f"the rules could not be examined: {problem or 'too slow'}")
            raise Problem(503, said) from problem
    if verdict.refused:
        raise _refused(verdict.findings)
    draft = Draft(verdict.version, desk.wall(), who.user, body.note, body.rules, body.tests, held.version, verdict.rules, verdict.findings)
    await asyncio.to_thread(desk.drafts.keep, draft)
    return _whole(desk, await _found(desk, draft.version))


@router.post(
    "/rules/versions/{version}/activate",
    dependencies=[NO_QUERY],
    response_model=WholeVersionShape,
    responses={404: {"model": ProblemDetails}, 409: {"model": ProblemDetails, "description": "It is live already, or does not fit."}},
)
async def activate_version(
    desk: OnDesk, request: Request, version: str, body: ActivateBody, who: Annotated[Identity, JUDGE],
) -> Response:
    """Put a version live, an earlier one as well: from its commit on everything is judged by it. Recorded with who, when and why."""

    async def work(key: str) -> Response:
        wanted = await _found(desk, version)
        await desk.ask(ActivateRules(wanted.rules, body.reason, body.backtest), who, key)
        return Response(_whole(desk, await _found(desk, wanted.version)).model_dump_json(), media_type="application/json")

    return await desk.once.answer(request, who, work)


# --- versions, put together ----------------------------------------------------------------------------------------------------


class _Version(msgspec.Struct, frozen=True):
    version: str
    origin: str
    rules: tuple[Rule, ...]
    at: datetime | None = None
    draft: Draft | None = None
    activations: tuple[ActivationShape, ...] = ()


async def _versions(desk: Desk) -> list[_Version]:
    places = desk.views.places
    drafts, folder = await asyncio.to_thread(_kept, desk)
    found: dict[str, _Version] = {}
    for activation in sorted(places.activations.values(), key=lambda one: one.at):
        name = rules_version(activation.ruleset.rules)
        told = ActivationShape(
            at=activation.at, by=activation.by if activation.chosen else "", reason=activation.why, backtest=activation.backtest,
            ruleset=activation.ruleset.version,
        )  # fmt: skip
        known = found.get(name) or _Version(name, "files", activation.ruleset.rules)
        found[name] = msgspec.structs.replace(known, at=activation.at, activations=(*known.activations, told))
    live = rules_version(places.ruleset.rules)
    found.setdefault(live, _Version(live, "files", places.ruleset.rules))
    for draft in drafts:
        known = found.get(draft.version) or _Version(draft.version, "draft", draft.rules, draft.at)
        found[draft.version] = msgspec.structs.replace(known, origin="draft", draft=draft)
    name = rules_version(folder)
    if folder and name not in found:
        found[name] = _Version(name, "folder", folder)
    never = datetime.min.replace(tzinfo=desk.wall().tzinfo)
    return sorted(found.values(), key=lambda one: (one.version == live, one.at or never), reverse=True)


def _kept(desk: Desk) -> tuple[list[Draft], tuple[Rule, ...]]:
    """Drafts, and the rules of the files where those are in order."""
    beside = judged(desk.drafts.judging)
    sound = not beside.mistakes and not beside.gathered.mistakes
    return desk.drafts.all(), tuple(placed.rule for placed in beside.gathered.placed) if sound else ()


async def _found(desk: Desk, version: str) -> _Version:
    for one in await _versions(desk):
        if version == one.version or any(version == activation.ruleset for activation in one.activations):
            return one
    raise missing(f"没有规则版本 {version[:80]}", f"there is no version {version[:80]} of the rules")


def _shape(desk: Desk, one: _Version) -> VersionShape:
    held, draft = desk.views.places.ruleset.rules, one.draft
    return VersionShape(
        version=one.version,
        origin=one.origin,
        live=one.version == rules_version(held),
        rules=len(one.rules),
        at=draft.at if draft else one.at,
        by=draft.by if draft else "",
        note=draft.note if draft else "",
        activations=list(reversed(one.activations)),
        findings=[_finding(finding) for finding in draft.findings] if draft else [],
        changes=[
            ChangeShape(
                rule=change.rule,
                change=change.change.value,
                fields=[FieldShape(name=field.name, before=field.before, after=field.after) for field in change.fields],
            )
            for change in differences(held, one.rules)
        ],
    )


def _whole(desk: Desk, one: _Version) -> WholeVersionShape:
    draft = one.draft
    return WholeVersionShape(**dict(_shape(desk, one)), text=draft.text if draft else "", tests=draft.tests if draft else "")


def _finding(finding: Finding) -> FindingShape:
    return FindingShape(kind=finding.kind, line=finding.line, key=finding.key, rule=finding.rule, message=finding.message)


# --- what is brought -----------------------------------------------------------------------------------------------------------


def _read(kind: str, body: bytes) -> DraftBody:
    try:
        if kind.split(";", maxsplit=1)[0].strip().lower() == "application/json":
            return DraftBody.model_validate_json(body)
        return DraftBody(rules=body.decode())
    except UnicodeDecodeError as problem:
        raise Problem(422, Sentence("规则文本不是 UTF-8", f"the text is not UTF-8 at byte {problem.start}")) from problem
    except ValidationError as problem:
        faults = [
            Fault(field=".".join(map(str, one["loc"])) or "body", place="body", message=str(one["msg"])) for one in problem.errors()
        ]  # fmt: skip
        raise Problem(422, Sentence("请求正文有误", "; ".join(f"{f.field}: {f.message}" for f in faults)), errors=faults) from problem


def _refused(findings: tuple[Finding, ...]) -> Problem:
    told = [finding for finding in findings if finding.kind in REFUSED]
    faults = [Fault(field=f"{finding.file}:{finding.line}" if finding.line else finding.file, place=finding.key or finding.rule or "body",
                    message=finding.message) for finding in told]  # fmt: skip
    said = f"{len(told)} problems" if len(told) > 1 else "1 problem"
    lines = "; ".join(str(finding) for finding in told)
    return Problem(422, Sentence(f"这一版规则有 {len(told)} 处问题，未被接受", f"the draft is refused for {said}: {lines}"), errors=faults)
