"""`/r/{code}`: one page, no log-in, on which somebody who was told says that they are coming, or cannot.

It shows which kind of alert, in which home, since when; nothing else, since whoever holds the message holds the link. Looking uses
nothing up (chat previews look first); one answer does. No script: it must work in any chat's own browser, on any old telephone.
"""

from html import escape
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerting.terms import Sentence, Stage
from gateway.control import AlarmProcessAway
from gateway.reaching import AnswerBy, LinkState, LookAt, Shown, Wish
from gateway.web.desk import Desk, OnDesk

router = APIRouter(include_in_schema=False)

CODE_LONGEST = 64
NAME_LONGEST = 40
BODY_LONGEST = 2000

OVER: dict[LinkState, Sentence] = {
    LinkState.UNKNOWN: Sentence("这个链接无效，或早已过期。", "This link is not valid, or has long expired."),
    LinkState.EXPIRED: Sentence("这个链接已过期。如仍需联系，请致电值守中心。", "This link has expired. If in doubt, ring the centre."),
    LinkState.CLOSED: Sentence("此事已处理完毕，您无需前往。谢谢！", "This is over: you need not come. Thank you!"),
}
ANSWERS: dict[Stage, Sentence] = {
    Stage.ACCEPTED: Sentence(
        "已答复：前往。谢谢！如有变化，请致电值守中心。", "Answered: coming. Thank you! If anything changes, ring the centre.",
    ),
    Stage.DECLINED: Sentence(
        "已答复：不能前往。我们会联系其他人。如有变化，请致电值守中心。",
        "Answered: cannot come. Somebody else will be asked. If anything changes, ring the centre.",
    ),
}
HELPED = Sentence("已有人答应前往。", "Somebody has accepted already.")
AWAY = Sentence("系统正忙，请几秒后再试，或致电值守中心。", "The service is busy: try again in a few seconds, or ring the centre.")
CHOICE = Sentence("请选择一项。", "Choose one of the two.")

STYLE = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1.2rem;background:#fff;color:#111}"
    "h1{font-size:1.5rem;margin:.2em 0}.en{color:#444;font-size:.95rem}button{display:block;width:100%;font-size:1.25rem;"
    "padding:.9rem;margin:.8rem 0;border-radius:.5rem;border:2px solid #111;background:#fff;color:#111}"
    "button.yes{background:#0b5d1e;border-color:#0b5d1e;color:#fff}input{font-size:1.1rem;padding:.5rem;width:100%;box-sizing:border-box}"
    ".note{border-left:.3rem solid #b35c00;padding-left:.7rem}"
)
HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}


@router.get("/r/{code}")
async def look(desk: OnDesk, code: str) -> HTMLResponse:
    return await _told(desk, LookAt(code[:CODE_LONGEST]))


@router.post("/r/{code}")
async def answer(desk: OnDesk, request: Request, code: str) -> HTMLResponse:
    """The form's own answer; who sends it twice, or reloads, is told what was answered."""
    form = parse_qs((await request.body())[:BODY_LONGEST].decode("utf-8", "replace"))
    stage = {"accepted": Stage.ACCEPTED, "declined": Stage.DECLINED}.get(form.get("answer", [""])[0])
    if stage is None:
        return _page(_both(CHOICE), 400)
    name = " ".join(form.get("name", [""])[0].split())[:NAME_LONGEST]
    return await _told(desk, AnswerBy(code[:CODE_LONGEST], stage, name))


async def _told(desk: Desk, wish: Wish) -> HTMLResponse:
    try:
        shown = await desk.control.wish(wish) if desk.strangers.passes() else None
    except AlarmProcessAway:
        shown = None
    if not isinstance(shown, Shown):
        return _page(_both(AWAY), 503)
    if shown.state in OVER:
        return _page(_both(OVER[shown.state]), 404 if shown.state is LinkState.UNKNOWN else 410)
    about = _about(shown, desk.timezone)
    if shown.answer is not None:
        return _page(about + _both(ANSWERS[shown.answer]))
    note = _both(HELPED, "note") if shown.helped else ""
    if shown.problem is not None:
        return _page(about + _both(shown.problem, "note"), 409)
    return _page(about + note + _form(shown))


def _about(shown: Shown, timezone: str) -> str:
    since = f"{shown.raised_at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}" if shown.raised_at else ""
    return f"<h1>{escape(shown.title.zh)}</h1><p class=en>{escape(shown.title.en)}</p><p><b>{escape(shown.home)}</b><br>{since}</p>"


def _form(shown: Shown) -> str:
    name = "" if shown.personal else (
        f"<p><label>您的姓名 <span class=en>Your name</span><br><input name=name maxlength={NAME_LONGEST} autocomplete=name></label></p>"
    )  # fmt: skip
    return (
        f"<form method=post>{name}"
        "<button class=yes name=answer value=accepted>我去 · I am coming</button>"
        "<button name=answer value=declined>去不了 · I cannot come</button></form>"
    )


def _both(said: Sentence, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(said.zh)}<br><span class=en lang=en>{escape(said.en)}</span></p>'


def _page(inner: str, status: int = 200) -> HTMLResponse:
    body = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>安居 Anju</title><style>{STYLE}</style></head><body>{inner}</body></html>\n"
    )
    return HTMLResponse(body, status, HEADERS)
