"""`./anju doctor`: one line for each thing that can be unwell, with what to do about it; works while the service runs and while not."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.clock import MACHINE
from gateway.demo import DEVICE, kept_log_ins
from gateway.judging import load_ruleset
from gateway.notify.channel import Channel, NotifyError
from gateway.notify.settings import channels, load_notify
from gateway.notify.trial import trial
from gateway.operations import doctor_reach as reach
from gateway.operations.configuration import of_folder
from gateway.operations.doctor_machine import disk, machine
from gateway.operations.doctor_stores import backups, stores
from gateway.operations.doctor_watchdog import watchdog
from gateway.operations.examine import examine
from gateway.operations.finding import Finding, Level, fail, ok
from gateway.problem import CommandFailed
from gateway.settings import Settings, reveal


def doctor(asked: argparse.Namespace) -> int:
    """Exit 1 when something fails; warnings are only said."""
    if asked.send_test or asked.test_channels:
        return _send_test(asked)
    login = _login(asked, os.environ)
    findings = asyncio.run(examined(asked.config, asked.data, login, os.environ))
    if asked.json:
        _say(json.dumps([msgspec.to_builtins(finding) for finding in findings], ensure_ascii=False))
    else:
        for line in table(findings):
            _say(line)
    return int(any(finding.level is Level.FAIL for finding in findings))


async def examined(config: Path | None, data: Path | None, login: reach.Login | None, environment: Mapping[str, str]) -> list[Finding]:
    """Everything, in the order in which it should be mended."""
    settings, findings = _configured(config, data, environment)
    if settings is None:
        return findings
    folder = Path(settings.data)
    findings += _at_hand(settings, folder)
    findings += await reach.service(settings)
    findings += await reach.endpoint(settings, login or _demo(folder))
    findings += reach.certificates(settings)
    findings += await reach.broker(settings, environment)
    findings += await reach.outside_stores(settings)
    findings += await reach.notification(settings, environment)
    findings += watchdog(settings)
    findings += backups(settings)
    return findings


def _at_hand(settings: Settings, folder: Path) -> list[Finding]:
    found = list(machine(settings))
    if not folder.is_dir():
        return [*found, fail("folder", f"{folder} is not there: the first start of `serve` makes it")]
    return [*found, *disk(settings), *stores(settings)]


def table(findings: Iterable[Finding]) -> list[str]:
    found = list(findings)
    width = max((len(finding.what) for finding in found), default=0)
    return [f"{finding.level.value:<5} {finding.what:<{width}}  {finding.sentence}" for finding in found]


def _configured(config: Path | None, data: Path | None, environment: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    if config is None:
        return of_folder(data or Path("data")), []
    settings, mistakes = examine(config, environment)
    return settings, [fail("settings", mistake) for mistake in mistakes] or [ok("settings", f"{config} and what it names have no mistake")]


def _login(asked: argparse.Namespace, environment: Mapping[str, str]) -> reach.Login | None:
    """Of a kit, for a round trip by MQTT: `--mqtt-user NAME` with `--mqtt-password env:NAME` or `file:PATH`."""
    if not asked.mqtt_user:
        return None
    try:
        return reach.Login(asked.mqtt_user, reveal(asked.mqtt_password, Path(), environment))
    except ValueError as problem:
        raise CommandFailed(f"--mqtt-password: {problem}") from problem


def _demo(data: Path) -> reach.Login | None:
    kept = kept_log_ins(data)
    return None if kept is None else reach.Login(DEVICE, kept.device)


# --- one message, sent ---------------------------------------------------------------------------------------------------------


def _send_test(asked: argparse.Namespace) -> int:
    settings, findings = _configured(asked.config, asked.data, os.environ)
    if settings is None or any(finding.level is Level.FAIL for finding in findings):
        raise CommandFailed("\n".join(finding.sentence for finding in findings))
    if asked.send_test:
        results = asyncio.run(sent(settings, asked.send_test, os.environ, MACHINE.wall()))
    else:
        results = asyncio.run(sent_by_each(settings, os.environ, MACHINE.wall()))
    for line in table(results):
        _say(line)
    return int(any(finding.level is Level.FAIL for finding in results))


async def sent(settings: Settings, target: str, environment: Mapping[str, str], now: datetime) -> list[Finding]:
    """A message that says it is a test, by every channel of a target. CommandFailed when there is no such target, or no way to it."""
    known = {one.name: one.channels for one in load_ruleset(settings).targets}
    if target not in known:
        raise CommandFailed(f"no target is named {target!r}, there are: {', '.join(known)}")
    if not settings.notify or not known[target]:
        raise CommandFailed(f"no channel leads to {target!r}")
    return await _sent(settings, environment, now, target, frozenset(known[target]))


async def sent_by_each(settings: Settings, environment: Mapping[str, str], now: datetime) -> list[Finding]:
    """A message that says it is a test, through every channel there is, those that another one stands for among them."""
    if not settings.notify:
        raise CommandFailed("there are no channels: the settings name no notify file")
    return await _sent(settings, environment, now, "doctor", None)


async def _sent(
    settings: Settings, environment: Mapping[str, str], now: datetime, target: str, names: frozenset[str] | None,
) -> list[Finding]:  # fmt: skip
    path = Path(settings.notify)
    ways = channels(load_notify(path), path, wall=MACHINE.wall, zone=settings.zone, environment=environment)
    try:
        return [await _tried(way, target, now) for way in ways if names is None or way.name in names]
    finally:
        for way in ways:
            await way.close()


async def _tried(way: Channel, target: str, now: datetime) -> Finding:
    try:
        answer = await way.send(trial(way.name, target, now))
    except NotifyError as problem:
        return fail(f"channel {way.name}", problem.detail)
    return ok(f"channel {way.name}", f"sent: {answer.detail}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
