"""What the report calls things, in both languages."""

from collections.abc import Mapping

import msgspec

from alerting.terms import Category, Sentence

_PRIORITY = {"1": "生命 life", "2": "紧急 prompt", "3": "关注 awareness", "4": "技术 technical"}
CATEGORIES = {
    Category.CALL_FOR_HELP: Sentence("呼救", "call for help"), Category.FIRE: Sentence("火情", "fire"),
    Category.GAS: Sentence("燃气", "gas"), Category.FALL: Sentence("跌倒", "fall"), Category.HEALTH: Sentence("体征", "health"),
    Category.INACTIVITY: Sentence("久无活动", "inactivity"), Category.WANDERING: Sentence("走失", "wandering"),
    Category.WATER: Sentence("漏水", "water"), Category.INTRUSION: Sentence("闯入", "intrusion"),
    Category.TECHNICAL: Sentence("设备", "technical"),
}  # fmt: skip
"""As the desk calls them."""
_PHASE = {
    "available": "到达值守台 available", "viewed": "查看 viewed", "acted": "处置 acted", "arrived": "到场 arrived", "closed": "办结 closed",
}  # fmt: skip
_MISS = {"late": "应答过迟 late", "forgotten": "接手后遗忘 forgotten", "undelivered": "通知无人收到 undelivered"}
_OUTCOME = {
    "no_action": "无需改进 no action", "person": "人员辅导 person", "staffing": "调整人手 staffing", "procedure": "修订流程 procedure",
    "equipment": "维修设备 equipment",
}  # fmt: skip


class Names(msgspec.Struct, frozen=True):
    """`areas`: names by id, as the registry has them today; `dispositions`: as the configuration calls them."""

    areas: Mapping[str, str] = {}
    dispositions: Mapping[str, Sentence] = {}

    def area(self, id_: str) -> str:
        return f"{self.areas[id_]} {id_}" if id_ in self.areas else id_

    def disposition(self, id_: str) -> str:
        known = self.dispositions.get(id_)
        return id_ if known is None else f"{known.zh} {known.en}"

    def priority(self, name: str) -> str:
        return f"{name} {_PRIORITY.get(name, '')}"

    def category(self, name: str) -> str:
        return f"{CATEGORIES[Category(name)].zh} {name}" if name in CATEGORIES else name

    def phase(self, name: str) -> str:
        return _PHASE[name]

    def miss(self, name: str) -> str:
        return _MISS[name]

    def outcome(self, name: str) -> str:
        return _OUTCOME.get(name, name)
