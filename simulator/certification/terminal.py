"""What a vendor sees on the terminal: a bar, verdicts as they stand, and what to do at the device, with a timer."""

import asyncio
import sys
import time
from collections.abc import Iterable

from simulator.certification.bench import Undone, Verdict
from simulator.certification.catalogue import Clause
from simulator.certification.result import ClauseVerdict, Result
from simulator.progress import bar
from simulator.scenario import Bilingual
from simulator.virtual.profile import PROFILES
from simulator.virtual.stimulus import Deed, Sign, Stimulus

ASKED_FOR_S = 120.0
"""How long a person has for one thing."""

DEEDS: dict[Stimulus, tuple[Bilingual, Bilingual]] = {
    Stimulus.PRESS: (Bilingual("拉一下拉绳或按下按钮", "pull the cord or press the button"), Bilingual("松开或复位", "let go or reset it")),
    Stimulus.CANCEL: (Bilingual("取消呼叫", "cancel the call"), Bilingual("", "")),
    Stimulus.SELF_TEST: (Bilingual("按自检按钮", "press the self-test button"), Bilingual("", "")),
    Stimulus.SMOKE: (Bilingual("加试验烟雾", "apply test smoke"), Bilingual("移走烟雾，吹净", "take the smoke away and blow it clean")),
    Stimulus.HEAT: (Bilingual("加热探测器", "heat the detector"), Bilingual("停止加热，冷却", "let it cool down")),
    Stimulus.CO: (Bilingual("加一氧化碳试验气", "apply CO test gas"), Bilingual("移走试验气，通风", "take the gas away and air it")),
    Stimulus.GAS: (Bilingual("加可燃气试验气", "apply test gas"), Bilingual("移走试验气，通风", "take the gas away and air it")),
    Stimulus.WATER: (Bilingual("打湿探头", "wet the probe"), Bilingual("擦干探头", "dry the probe")),
    Stimulus.DOOR: (Bilingual("打开门", "open the door"), Bilingual("关上门", "shut the door")),
    Stimulus.MOTION: (Bilingual("在探测区内走动", "move in front of it"), Bilingual("离开探测区", "leave its field")),
    Stimulus.FALL: (Bilingual("做一次跌倒动作", "make it fall"), Bilingual("起身站好", "get up again")),
    Stimulus.WORN: (Bilingual("戴上设备", "put it on"), Bilingual("摘下设备", "take it off")),
    Stimulus.BATTERY: (Bilingual("换上电量约为所示的电池", "put in a battery of this"), Bilingual("取出电池", "take the battery out")),
    Stimulus.MAINS_LOST: (Bilingual("拔掉市电", "unplug the mains"), Bilingual("接回市电", "plug it in again")),
    Stimulus.TAMPER: (Bilingual("打开外壳", "open the housing"), Bilingual("合上外壳", "close the housing")),
    Stimulus.POWER: (Bilingual("恢复供电", "give it its power back"), Bilingual("断开全部电源和电池", "take all power away, battery too")),
    Stimulus.CLOCK: (Bilingual("把时钟拨偏（秒）", "set its clock wrong (seconds)"), Bilingual("把时钟拨准", "set its clock right")),
}  # fmt: skip
_MEASURED = {
    Stimulus.SMOKE: "dB/m", Stimulus.HEAT: "°C", Stimulus.CO: "ppm", Stimulus.GAS: "%LEL", Stimulus.BATTERY: "%", Stimulus.CLOCK: "s",
}  # fmt: skip
SIGNS = {
    Sign.CALLING: Bilingual("正在呼叫", "calling"), Sign.ACCEPTED: Bilingual("已受理", "accepted"), Sign.SEEN: Bilingual("已看到", "seen"),
    Sign.HELPING: Bilingual("正在救助", "being helped"), Sign.CLOSED: Bilingual("已结束", "closed"),
    Sign.NO_LINE: Bilingual("没有网络", "no line"), Sign.BATTERY_LOW: Bilingual("电量低", "battery low"),
}  # fmt: skip
_MARKS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.INCONCLUSIVE: "open", Verdict.NOT_APPLICABLE: "n/a "}


def asked_for(deed: Deed) -> Bilingual:
    """What a person is to do, in one sentence."""
    unit = _MEASURED.get(deed.stimulus)
    rest = next((one.rest for profile in PROFILES.values() for one in profile.senses if one.stimulus is deed.stimulus), 0.0)
    begins = deed.amount > rest
    words = DEEDS[deed.stimulus][0 if begins else 1]
    amount = f" ({deed.amount:g} {unit})" if unit is not None and begins else ""
    return Bilingual(words.zh + amount, words.en + amount)


class PersonsHands:
    """A person at the device, asked on the terminal. Undone after ASKED_FOR_S, or where standard input is nobody."""

    async def do(self, deed: Deed) -> None:
        words = asked_for(deed)
        await _answer(f"请操作 / please: {words.zh} / {words.en}，完成后按回车 / then press Enter")

    async def look(self, sign: Sign) -> bool:
        words = SIGNS[sign]
        said = await _answer(f"设备是否提示“{words.zh}”？ / does the device show: {words.en}? [y/n]")
        return said.strip().lower() in {"y", "yes", "是", "1"}


async def _answer(question: str) -> str:
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[str] = loop.create_future()
    if not sys.stdin.isatty():
        raise Undone(Bilingual("没有人可以操作设备（标准输入不是终端）", "nobody could be asked: standard input is no terminal"))
    ends = time.monotonic() + ASKED_FOR_S
    loop.add_reader(sys.stdin.fileno(), _read, heard)
    try:
        while not heard.done():
            left = ends - time.monotonic()
            if left <= 0:
                raise Undone(Bilingual("规定时间内没有操作", f"it was not done within {ASKED_FOR_S:g} s"))
            sys.stderr.write(f"\r\x1b[K[{left:3.0f} s] {question} ")
            sys.stderr.flush()
            await asyncio.wait({heard}, timeout=1.0)
        return heard.result()
    finally:
        loop.remove_reader(sys.stdin.fileno())
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _read(heard: asyncio.Future[str]) -> None:
    said = sys.stdin.readline()
    if not heard.done():
        heard.set_result(said)


class Bar:
    """On standard error while it runs, where that is a terminal. `weights`: seconds that each clause is expected to take."""

    def __init__(self, clauses: Iterable[tuple[Clause, float]], *, shown: bool) -> None:
        self._weights = {clause.number: weight for clause, weight in clauses}
        self._done = 0.0
        self._shown = shown

    def begun(self, clause: Clause) -> None:
        self._write(f"{clause.number} {clause.title.zh} / {clause.title.en}")

    def told(self, verdict: ClauseVerdict) -> None:
        self._done += self._weights.pop(verdict.number, 0.0)
        if verdict.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) and self._shown:
            sys.stderr.write(f"\r\x1b[K{row(verdict)}\n")
        self._write(verdict.number)

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _write(self, text: str) -> None:
        if self._shown:
            whole = self._done + sum(self._weights.values())
            sys.stderr.write(f"\r\x1b[K{bar(self._done / whole if whole else 1.0)} {text}"[:140])
            sys.stderr.flush()


def row(verdict: ClauseVerdict) -> str:
    why = f"  {verdict.reason.zh} / {verdict.reason.en}" if verdict.verdict is not Verdict.PASS else ""
    return f"{_MARKS[verdict.verdict]}  {verdict.number}  {verdict.title.zh} / {verdict.title.en}{why}"


def table(result: Result) -> str:
    """Every clause in one line, and what it comes to."""
    counts = result.counts()
    summary = ", ".join(f"{counts[verdict]} {verdict.replace('_', ' ')}" for verdict in Verdict)
    device = f"{result.features.vendor} {result.features.model} {result.features.firmware}"
    return "\n".join([*map(row, result.verdicts), "", f"{device}: {'passed' if result.passed else 'NOT passed'} ({summary})", ""])
