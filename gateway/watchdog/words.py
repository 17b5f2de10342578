"""What the watchdog says, in both languages: what is broken as far as it can tell from outside, or that all is well again."""

from alerting.terms import Sentence
from gateway.watchdog.rounds import Broken, Missed

_BROKEN = {
    Broken.ENDPOINT: Sentence("设备接入端口连不上", "nothing takes the connection at the port for kits"),
    Broken.REFUSED: Sentence("接入端口拒绝了自检的登录", "the port for kits refuses the log-in"),
    Broken.LOOP: Sentence("接入端口能连上，但告警进程没有应答", "the port for kits takes connections, and answers nothing"),
    Broken.JOURNAL: Sentence("呼叫已送达，但没有写入磁盘，未得到确认", "the call is not acknowledged: it is not on disk"),
    Broken.STREAM: Sentence("呼叫已写入磁盘，但值守页面的实时推送中断", "the call is on disk, and the operators' stream does not run"),
    Broken.LOST: Sentence("呼叫已写入磁盘，但没有出现在值守页面的实时推送里", "the call is on disk, and did not come out on the stream"),
}
WELL = Sentence("自检呼叫又能到达值守页面了", "calls reach the operators' stream again")
UNSEEN = Sentence("自检呼叫没有到达值守页面：", "the service's own calls do not reach the operators: ")


def missing(missed: Missed, hint: Sentence | None) -> Sentence:
    """`hint`: what the alarm process says of itself, where it says anything."""
    said = _BROKEN[missed.broken]
    zh, en = UNSEEN.zh + said.zh, UNSEEN.en + said.en
    if hint is not None:
        zh, en = f"{zh}；{hint.zh}", f"{en}; {hint.en}"
    if missed.detail:
        zh, en = f"{zh}（{missed.detail}）", f"{en} ({missed.detail})"
    return Sentence(zh, en)


def channel_broken(name: str, detail: str) -> Sentence:
    return Sentence(f"通知渠道“{name}”发不出去：{detail}", f"the channel “{name}” takes nothing: {detail}")


def channel_well(name: str) -> Sentence:
    return Sentence(f"通知渠道“{name}”已恢复", f"the channel “{name}” works again")
