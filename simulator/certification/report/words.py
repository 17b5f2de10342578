"""How verdicts, spans and moments are said, in both languages; and text made fit for a page whatever a device has sent."""

import re
from datetime import datetime

from simulator.certification.bench import Verdict
from simulator.certification.catalogue import FAMILIES
from simulator.certification.features import Features
from simulator.certification.result import ClauseVerdict, Result
from simulator.scenario import Bilingual

VERDICTS = {
    Verdict.PASS: Bilingual("通过", "pass"),
    Verdict.FAIL: Bilingual("未通过", "fail"),
    Verdict.INCONCLUSIVE: Bilingual("未能判定", "inconclusive"),
    Verdict.NOT_APPLICABLE: Bilingual("不适用", "not applicable"),
}
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.NOT_APPLICABLE: "–"}
"""Beside the colour and the word, so that neither is needed alone."""

PROFILES = {
    "pull_cord": "拉绳报警器", "pendant": "随身呼叫器", "smoke": "烟雾报警器", "co": "一氧化碳报警器", "gas": "燃气报警器",
    "water": "水浸传感器", "door": "门磁", "motion": "人体移动传感器", "fall": "跌倒检测设备", "watch": "健康手表", "hub": "家庭网关",
}  # fmt: skip

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold; each is shown as U+FFFD."""
    return _UNFIT.sub("\ufffd", text)


def summary(result: Result, *, whole: bool) -> Bilingual:
    """The one sentence that a buyer reads."""
    counts = result.counts()
    failed, unsure = counts[Verdict.FAIL], counts[Verdict.INCONCLUSIVE]
    measured = counts[Verdict.PASS] + failed + unsure
    if failed:
        return Bilingual(f"适用的 {measured} 条中有 {failed} 条未通过。", f"{failed} of {measured} clauses that apply failed.")
    if unsure:
        en = f"{unsure} of {measured} clauses that apply could not be judged."
        return Bilingual(f"适用的 {measured} 条中有 {unsure} 条未能判定。", en)
    if not measured:
        return Bilingual("没有检验任何适用条款。", "No clause that applies was measured.")
    if not whole:
        return Bilingual(
            f"所检验的 {measured} 条全部通过，但只检验了部分条款，不能作为证书。",
            f"All {measured} clauses that were measured passed; they are a part of the catalogue, and this is no certificate.",
        )
    return Bilingual(f"适用的 {measured} 条全部通过。", f"All {measured} clauses that apply passed.")


def headline(result: Result, *, whole: bool) -> tuple[Verdict, Bilingual]:
    """The verdict over all: what fails weighs more than what is open, and a part of the catalogue is open."""
    counts = result.counts()
    if counts[Verdict.FAIL]:
        return Verdict.FAIL, Bilingual("未通过", "Failed")
    if counts[Verdict.INCONCLUSIVE] or not whole or not counts[Verdict.PASS]:
        return Verdict.INCONCLUSIVE, Bilingual("未能判定", "Not decided")
    return Verdict.PASS, Bilingual("通过", "Passed")


def facts(result: Result) -> list[tuple[Bilingual, Bilingual]]:
    """What was examined, how and when: a label and a value each."""
    features, run = result.features, result.run
    how = Bilingual("虚拟时间（设备程序，非实物）", "virtual time (the device's program, no hardware)") if run.virtual else Bilingual(
        "真实网络连接", "over real sockets",
    )  # fmt: skip
    if run.broker:
        how = Bilingual(f"经由外部服务器 {run.broker}", f"behind the outside broker {run.broker}")
    kind = PROFILES.get(features.profile, features.profile)
    when = f"{moment(run.began_at)} – {moment(run.ended_at)}"
    return [
        (Bilingual("厂商", "Vendor"), same(features.vendor)),
        (Bilingual("型号", "Model"), same(features.model)),
        (Bilingual("类别", "Kind"), Bilingual(kind, features.profile.replace("_", " "))),
        (Bilingual("固件版本", "Firmware"), same(features.firmware)),
        (
            Bilingual("固件 SHA-256", "Firmware SHA-256"),
            same(features.firmware_hash) if features.firmware_hash else Bilingual("未声明", "not stated"),
        ),
        (Bilingual("检验方式", "How"), how),
        (Bilingual("MQTT 版本", "MQTT"), same("5.0" if run.level == 5 else "3.1.1")),
        (Bilingual("连接", "Connection"), same(run.secured) if run.secured else Bilingual(
            "TLS" if features.connection.tls else "未加密", "TLS" if features.connection.tls else "without TLS",
        )),
        (Bilingual("检验时间（虚拟）", "Measured (virtual)") if run.virtual else Bilingual("检验时间", "Measured"), same(when)),
        (Bilingual("检验集版本", "Suite"), same(result.suite)),
        (Bilingual("条款目录 SHA-256", "Catalogue SHA-256"), same(result.catalogue)),
    ]  # fmt: skip


def stated(features: Features) -> list[tuple[str, str]]:
    """The vendor's statement, a name and a value each, as its TOML has them."""
    lines: list[tuple[str, str]] = []
    for head, part in (("connection", features.connection), ("alarm", features.alarm), ("", features)):
        for name in part.__struct_fields__:
            value = getattr(part, name)
            if name not in ("connection", "alarm"):
                lines.append((f"{head}.{name}" if head else name, _plain(value)))
    return lines


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(_plain(one) for one in value) or "–"
    return str(value) or "–"


def by_family(result: Result) -> list[tuple[str, Bilingual, list[ClauseVerdict]]]:
    """The families in the catalogue's order, those without a clause left out."""
    found = [(key, name, [v for v in result.verdicts if v.family == key]) for key, name in FAMILIES.items()]
    return [family for family in found if family[2]]


def same(text: str) -> Bilingual:
    return Bilingual(text, text)


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


def clock(seconds: float) -> str:
    """How far into a clause something happened: `4.200 s`, `3:07.500`, `2:03:04.250`, `3 d 02:03:04.250`."""
    if seconds < 60:
        return f"{seconds:.3f} s"
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    last = f"{minutes:02d}:{rest / 1000:06.3f}"
    if days:
        return f"{days} d {hours:02d}:{last}"
    return f"{hours}:{last}" if hours else f"{minutes}:{rest / 1000:06.3f}"


def span(seconds: float) -> str:
    """What a clause took, as `clock`, in whole seconds from a minute on."""
    return clock(seconds) if seconds < 60 else clock(round(seconds)).removesuffix(".000")
