"""The file of channels and targets, `config/notify.example.toml`: what may stand in it, and the channels it makes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from alerting.policy import BUILT_IN, DESK
from config import Survey, survey
from gateway.notify.aliyun_phone import AliyunSmsSettings, AliyunVoiceSettings
from gateway.notify.apprise import AppriseSettings
from gateway.notify.bots import DingTalkSettings, FeishuSettings, WeComSettings
from gateway.notify.cap import CapSettings
from gateway.notify.channel import Channel
from gateway.notify.email import EmailSettings
from gateway.notify.first_of import FirstOf, FirstOfSettings
from gateway.notify.gb26875 import Gb26875Settings
from gateway.notify.record import Means, Record
from gateway.notify.tencent_phone import TencentSmsSettings, TencentVoiceSettings
from gateway.notify.webhook import WebhookSettings
from gateway.problem import CommandFailed


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which channels reach a target of the escalation policies, beside those it is given there."""

    name: str
    channels: tuple[str, ...]


class NotifyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each kind of channel is an array of tables of its own name."""

    webhooks: tuple[WebhookSettings, ...] = msgspec.field(name="webhook", default=())
    emails: tuple[EmailSettings, ...] = msgspec.field(name="email", default=())
    wecoms: tuple[WeComSettings, ...] = msgspec.field(name="wecom", default=())
    dingtalks: tuple[DingTalkSettings, ...] = msgspec.field(name="dingtalk", default=())
    feishus: tuple[FeishuSettings, ...] = msgspec.field(name="feishu", default=())
    aliyun_smses: tuple[AliyunSmsSettings, ...] = msgspec.field(name="aliyun_sms", default=())
    aliyun_voices: tuple[AliyunVoiceSettings, ...] = msgspec.field(name="aliyun_voice", default=())
    tencent_smses: tuple[TencentSmsSettings, ...] = msgspec.field(name="tencent_sms", default=())
    tencent_voices: tuple[TencentVoiceSettings, ...] = msgspec.field(name="tencent_voice", default=())
    apprises: tuple[AppriseSettings, ...] = msgspec.field(name="apprise", default=())
    caps: tuple[CapSettings, ...] = msgspec.field(name="cap", default=())
    gb26875s: tuple[Gb26875Settings, ...] = msgspec.field(name="gb26875", default=())
    firsts_of: tuple[FirstOfSettings, ...] = msgspec.field(name="first_of", default=())
    targets: tuple[TargetSettings, ...] = msgspec.field(name="target", default=())

    @property
    def records(self) -> Iterator[tuple[str, Record]]:
        """Every channel that is not made of others, with its key in the file, in the file's order of kinds."""
        kinds: tuple[tuple[str, tuple[Record, ...]], ...] = (
            ("webhook", self.webhooks), ("email", self.emails), ("wecom", self.wecoms), ("dingtalk", self.dingtalks),
            ("feishu", self.feishus), ("aliyun_sms", self.aliyun_smses), ("aliyun_voice", self.aliyun_voices),
            ("tencent_sms", self.tencent_smses), ("tencent_voice", self.tencent_voices),
            ("apprise", self.apprises), ("cap", self.caps), ("gb26875", self.gb26875s),
        )  # fmt: skip
        for kind, records in kinds:
            yield from ((f"{kind}[{index}]", record) for index, record in enumerate(records))

    @property
    def names(self) -> list[str]:
        return [*(record.name for _, record in self.records), *(first.name for first in self.firsts_of)]


def load_notify(path: Path) -> NotifyFile:
    """The file, its names checked against each other; CommandFailed with a line for each thing that is wrong."""
    found = survey_notify(path)
    if found.mistakes or found.value is None:
        raise CommandFailed("\n".join(str(mistake) for mistake in found.mistakes))
    return found.value


def survey_notify(path: Path) -> Survey[NotifyFile]:
    """The file as far as it can be read, and everything that is wrong in it and among its names; secrets and addresses apart."""
    found = survey(path, NotifyFile)
    file = found.value
    if file is None:
        return found
    names = file.names
    for name, count in Counter(names).items():
        if count > 1:
            found.mistake("", f"two channels are named {name!r}")
    for name, count in Counter(target.name for target in file.targets).items():
        if count > 1:
            found.mistake("", f"two targets are named {name!r}")
    single = [record.name for _, record in file.records]
    for index, first in enumerate(file.firsts_of):
        for channel in first.channels:
            if channel not in single:
                known = ", ".join(single) or "none"
                found.mistake(f"first_of[{index}].channels", f"channel {first.name!r}: {channel!r} is none of the channels {known}")
    for index, target in enumerate(file.targets):
        at = f"target[{index}]"
        if target.name in BUILT_IN:
            what = "the operators' screens" if target.name == DESK else "the siren in the home"
            found.mistake(f"{at}.name", f"{target.name!r} is {what}, no channel leads there")
        for channel in target.channels:
            if channel not in names:
                known = ", ".join(names) or "none"
                found.mistake(f"{at}.channels", f"target {target.name!r}: no channel is named {channel!r}, there are: {known}")
    return found


def survey_channels(
    found: Survey[NotifyFile], *, wall: Callable[[], datetime], zone: ZoneInfo, environment: Mapping[str, str],
) -> None:  # fmt: skip
    """Add what keeps single channels from being made: secrets that are not there, addresses that are none."""
    means = Means(found.path.resolve().parent, wall, zone, environment)
    for key, record in (found.value or NotifyFile()).records:
        try:
            record.make(means)
        except ValueError as problem:
            _mistake(found, key, record.name, str(problem))


def _mistake(found: Survey[NotifyFile], at: str, channel: str, sentence: str) -> None:
    """The sentences of channels begin with the key."""
    key, _, reason = sentence.partition(": ")
    found.mistake(f"{at}.{key}" if key.isidentifier() else at, f"channel {channel!r}: {reason if key.isidentifier() else sentence}")


def channels(
    file: NotifyFile,
    path: Path,
    *,
    wall: Callable[[], datetime],
    zone: ZoneInfo,
    environment: Mapping[str, str],
) -> tuple[Channel, ...]:
    """The channels, secrets revealed and addresses checked; CommandFailed names the channel and the key. Connects to nobody yet."""
    means = Means(path.resolve().parent, wall, zone, environment)
    made: dict[str, Channel] = {}
    for _, record in file.records:
        try:
            made[record.name] = record.make(means)
        except ValueError as problem:
            raise CommandFailed(f"{path}: channel {record.name!r}: {problem}") from problem
    firsts = [FirstOf(f.name, [made[name] for name in f.channels], patience_s=f.patience_s) for f in file.firsts_of]
    return (*made.values(), *firsts)
