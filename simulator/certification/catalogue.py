"""The clauses as data: one table in `catalogue/*.toml` each, loaded with a lint over the whole.

A number (`A-07`) is never given to another clause. A clause applies to a device that has every feature it names and is of one of its
profiles; `where` says whether it needs virtual time (days), sockets (TLS), or neither; `needs` what the bench must see or hold;
`rests_on` what a device must keep to before a failure of it means anything.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from config import load_all
from simulator.certification.features import FEATURES, Features
from simulator.scenario import Bilingual
from simulator.virtual.profile import ProfileName

FOLDER = Path(__file__).parent / "catalogue"
FAMILIES = {
    "C": Bilingual("连接与安全", "connect and secure"),
    "I": Bilingual("身份与主题", "identity and topics"),
    "S": Bilingual("上报与状态语义", "report and status semantics"),
    "H": Bilingual("心跳与监督", "heartbeat and supervision"),
    "A": Bilingual("报警语义", "alarm semantics"),
    "K": Bilingual("时钟", "clocks"),
    "B": Bilingual("电池与寿命", "battery and end of life"),
    "F": Bilingual("故障下的行为", "behaviour under faults"),
    "R": Bilingual("面对恶意服务器的健壮性", "robustness against a hostile server"),
    "M": Bilingual("命令", "commands"),
}
FLOOD = 20_000
_NUMBER = re.compile(r"([A-Z])-(\d\d)\Z")


class Where(StrEnum):
    ANYWHERE = "anywhere"
    VIRTUAL = "virtual"
    SOCKETS = "sockets"


class Needs(StrEnum):
    """What of the device must be seen, or done to it. Behind an outside broker the bench has the first alone."""

    TOPICS = "topics"
    """What it publishes, with its QoS and whether it is to be retained, and telling it something."""
    PACKETS = "packets"
    """Its own packets: CONNECT, SUBSCRIBE, PUBACK, PINGREQ."""
    ACKS = "acks"
    """Acknowledgements that are held back."""
    LINE = "line"
    """A connection that is cut, slow or away."""
    SERVER = "server"
    """A server that refuses, forgets or errs on purpose."""


UNSEEN: dict[Needs, Bilingual] = {
    Needs.PACKETS: Bilingual("经由外部服务器时看不到设备自身的报文", "behind an outside broker the device's own packets are not seen"),
    Needs.ACKS: Bilingual("确认由外部服务器给出，检验台无法扣留", "the outside broker acknowledges: nothing can be held back"),
    Needs.LINE: Bilingual(
        "连接在设备与外部服务器之间，检验台无法中断或减慢", "the line is one to the outside broker: it cannot be cut or slowed from here",
    ),
    Needs.SERVER: Bilingual("外部服务器不会按要求拒绝或出错", "an outside broker does not refuse or err on demand"),
}  # fmt: skip
"""Why a clause does not apply behind an outside broker."""


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`duration` is an estimate for a sound device; `heartbeats`: so many of the device's own intervals on top.

    `settled`: the device is connected and quiet before the procedure begins.
    """

    number: str
    title: Bilingual
    requirement: Bilingual
    criterion: Bilingual
    source: str
    procedure: str
    duration: timedelta
    features: tuple[str, ...] = ()
    profiles: tuple[ProfileName, ...] = ()
    levels: tuple[int, ...] = ()
    """MQTT versions that it is about; none: any."""
    heartbeats: float = 0.0
    where: Where = Where.ANYWHERE
    needs: Needs = Needs.PACKETS
    settled: bool = True
    manual: tuple[Bilingual, ...] = ()
    """What a person does or looks at, in the order of the procedure."""
    rests_on: tuple[str, ...] = ()
    """Clauses without which this one says nothing: what it finds wrong on a device that does not keep to one of them has that cause."""
    entries: int = FLOOD
    """Of the trace. A device that makes more sends, or connects, without end."""

    @property
    def family(self) -> str:
        return self.number[0]

    def lasts(self, features: Features) -> timedelta:
        return self.duration + self.heartbeats * features.heartbeat / features.acceleration

    def unfit(self, features: Features, *, level: int, virtual: bool, behind: bool = False) -> Bilingual | None:
        """Why it does not apply to a device; None when it does. `behind`: there is an outside broker between."""
        if self.profiles and features.profile not in self.profiles:
            return Bilingual(f"不适用于 {features.profile} 类设备", f"it is not for devices of the kind {features.profile}")
        for name in self.features:
            if not FEATURES[name].has(features):
                return FEATURES[name].without
        if self.levels and level not in self.levels:
            return Bilingual("与本次所用的 MQTT 版本无关", "it is about another version of MQTT than was spoken")
        if self.where is Where.VIRTUAL and not virtual:
            return Bilingual("历时过长或需改动网络，只在虚拟时间中检验", "it takes days or another network: measured in virtual time alone")
        if self.where is Where.SOCKETS and virtual:
            return Bilingual("需要真实网络连接才能检验", "it can be measured over a real socket alone")
        return UNSEEN.get(self.needs) if behind else None


class Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    clause: tuple[Clause, ...]


class CatalogueError(Exception):
    """The catalogue is not sound; one line for each thing that is wrong."""


def load(procedures: Mapping[str, object], folder: Path = FOLDER) -> tuple[Clause, ...]:
    """Every clause by family and number; ConfigError for a file, CatalogueError for the whole."""
    clauses = [clause for chapter in load_all(folder, Chapter) for clause in chapter.clause]
    wrong = lint(clauses, procedures)
    if wrong:
        raise CatalogueError("\n".join(wrong))
    order = list(FAMILIES)
    return tuple(sorted(clauses, key=lambda clause: (order.index(clause.family), clause.number)))


def lint(clauses: Iterable[Clause], procedures: Mapping[str, object]) -> list[str]:
    """What is wrong with the clauses as a whole, a sentence each."""
    clauses = tuple(clauses)
    wrong = [f"{number}: given {count} times" for number, count in Counter(c.number for c in clauses).items() if count > 1]
    wrong += [f"{name}: no clause uses this procedure" for name in sorted(set(procedures) - {c.procedure for c in clauses})]
    for c in clauses:
        found = _NUMBER.match(c.number)
        if found is None or found[1] not in FAMILIES:
            wrong.append(f"{c.number}: a number is a family of {' '.join(FAMILIES)}, a dash and two digits")
        if c.procedure not in procedures:
            wrong.append(f"{c.number}: there is no procedure {c.procedure}")
        wrong += [f"{c.number}: nobody knows the feature {name}" for name in c.features if name not in FEATURES]
        texts = {"title": c.title, "requirement": c.requirement, "criterion": c.criterion}
        texts |= {f"manual[{index}]": step for index, step in enumerate(c.manual)}
        for place, text in texts.items():
            if not re.search(r"[\u4e00-\u9fff]", text.zh) or text.zh != text.zh.strip():
                wrong.append(f"{c.number}: {place}.zh is not Chinese")
            if not text.en.strip() or re.search(r"[\u4e00-\u9fff]", text.en) or text.en != text.en.strip():
                wrong.append(f"{c.number}: {place}.en is not English")
        if not c.source.strip():
            wrong.append(f"{c.number}: where is it from?")
        if c.duration <= timedelta(0):
            wrong.append(f"{c.number}: it takes no time")
    return wrong + _groundless(clauses)


def _groundless(clauses: tuple[Clause, ...]) -> list[str]:
    """Clauses that rest on one that is not there, or in the end on themselves."""
    under = {c.number: c.rests_on for c in clauses}
    wrong = [f"{c.number}: it rests on {other}, which is no clause" for c in clauses for other in c.rests_on if other not in under]
    for number, first in under.items():
        found, todo = set[str](), list(first)
        while todo:
            other = todo.pop()
            if other not in found:
                found.add(other)
                todo += under.get(other, ())
        if number in found:
            wrong.append(f"{number}: it rests on itself")
    return wrong
