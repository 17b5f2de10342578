"""The report as one page that needs nothing beside it: no script, no font, no picture from elsewhere.

Chinese first, English with it. Each clause's element carries its number and verdict (`data-clause`, `data-verdict`), so that a program
reads from the page what people read there.
"""

from html import escape
from pathlib import Path

from simulator.certification.bench import Verdict
from simulator.certification.report import words
from simulator.certification.report.svg import svg
from simulator.certification.report.timeline import picture
from simulator.certification.report.words import SIGNS, VERDICTS, clean
from simulator.certification.result import ClauseVerdict, Line, Result
from simulator.scenario import Bilingual

STYLE = Path(__file__).with_name("style.css")


def page(result: Result, *, whole: bool, key: str) -> bytes:
    """`key`: the fingerprint of the key that signs it."""
    features = result.features
    title = f"{features.vendor} {features.model} {features.firmware}"
    families = "".join(
        f'<section><h3 id="family-{letter}">{letter} · {both(name)}</h3>{"".join(_clause(v) for v in verdicts)}</section>'
        for letter, name, verdicts in words.by_family(result)
    )
    body = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{_text(f"检验报告 {title}")}</title><style>
{STYLE.read_text(encoding="utf-8")}</style></head><body>
<header><h1>安居设备检验报告 <span lang="en">Anju device certification report</span></h1></header>
{_summary(result, whole=whole)}
{_tiles(result)}
{_amiss(result)}
<h2>检验对象 <span lang="en">What was examined</span></h2>
<table><tbody>{"".join(_fact(label, value) for label, value in words.facts(result))}
{_fact(Bilingual("签名密钥指纹", "Key of the signature"), words.same(key))}</tbody></table>
<details class="statement"><summary>厂商声明 · The vendor's statement</summary><table><tbody>
{"".join(_stated(name, value) for name, value in words.stated(features))}
</tbody></table></details>
<h2>各类结果 <span lang="en">By family</span></h2>
{_families(result)}
<h2>逐条结果 <span lang="en">Clause by clause</span></h2>
<p>点开条款可见要求、判据、理由和时序图。 <span lang="en">Open a clause to see requirement, criterion, reason and timeline.</span></p>
{families}
<h2>如何核对 <span lang="en">How to check it</span></h2>
<p class="note">本文件末尾带有签名。运行 <code>./anju certify verify 文件</code> 可核对签名、内容是否被改动，以及密钥属于谁。
证书只说明所列型号和固件在检验时的表现。<br>
<span lang="en">The signature stands at the end of this file. <code>./anju certify verify FILE</code> checks it, that nothing was
altered, and whose key it is. A certificate speaks of this model and firmware as they were then.</span></p>
</body></html>
"""
    return body.encode()


def both(text: Bilingual) -> str:
    return f'{_text(text.zh)} <span lang="en">{_text(text.en)}</span>'


def _text(text: str) -> str:
    return escape(clean(text))


def _sign(verdict: Verdict) -> str:
    name = VERDICTS[verdict]
    return f'<span class="verdict {verdict}"><i aria-hidden="true">{SIGNS[verdict]}</i>{name.zh} <span lang="en">{name.en}</span></span>'


def _summary(result: Result, *, whole: bool) -> str:
    verdict, head = words.headline(result, whole=whole)
    said = words.summary(result, whole=whole)
    features = result.features
    kind = words.PROFILES.get(features.profile, features.profile)
    virtual = (
        "<p>在虚拟时间中检验的是设备程序，不是实物。 "
        '<span lang="en">Measured in virtual time: a program, not a device one can hold.</span></p>'
        if result.run.virtual
        else ""
    )
    return (
        f'<section class="summary {verdict}"><div class="big">{SIGNS[verdict]} {head.zh}<span>{head.en}</span></div><div>'
        f'<p class="who">{_text(features.vendor)} · {_text(features.model)}</p>'
        f'<p>{_text(kind)}，固件 {_text(features.firmware)} <span lang="en">firmware {_text(features.firmware)}</span></p>'
        f"<p>{both(said)}</p>{virtual}</div></section>"
    )


def _tiles(result: Result) -> str:
    counts = result.counts()
    tiles = "".join(f'<li class="{verdict}"><b>{counts[verdict]}</b>{_sign(verdict)}</li>' for verdict in Verdict)
    return f'<ul class="tiles">{tiles}</ul>'


def _amiss(result: Result) -> str:
    """What has to be seen to, before everything else; nothing where all is well."""
    rows = "".join(
        f'<tr><th scope="row"><a href="#{v.number}">{v.number}</a> {_text(v.title.zh)}<br><span lang="en">{_text(v.title.en)}</span></th>'
        f'<td>{_sign(v.verdict)}</td><td>{_text(v.reason.zh)}<br><span lang="en">{_text(v.reason.en)}</span></td></tr>'
        for v in result.verdicts
        if v.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    )
    return f'<h2>须处理 <span lang="en">To be seen to</span></h2><table><tbody>{rows}</tbody></table>' if rows else ""


def _fact(label: Bilingual, value: Bilingual) -> str:
    told = _text(value.zh) if value.zh == value.en else both(value)
    shown = f"<code>{told}</code>" if len(value.en) > 30 and " " not in value.en else told
    return f'<tr><th scope="row">{both(label)}</th><td>{shown}</td></tr>'


def _stated(name: str, value: str) -> str:
    return f'<tr><th scope="row"><code>{_text(name)}</code></th><td><code>{_text(value)}</code></td></tr>'


def _families(result: Result) -> str:
    head = "".join(f'<th class="n" scope="col">{VERDICTS[v].zh}<br><span lang="en">{VERDICTS[v].en}</span></th>' for v in Verdict)
    rows = []
    for letter, name, verdicts in words.by_family(result):
        cells = []
        for verdict in Verdict:
            count = sum(v.verdict is verdict for v in verdicts)
            sign = f"{SIGNS[verdict]} " if count else ""
            cells.append(f'<td class="n {verdict}" data-n="{count}">{sign}{count}</td>')
        rows.append(f'<tr><th scope="row"><a href="#family-{letter}">{letter}</a> {both(name)}</th>{"".join(cells)}</tr>')
    top = '<th scope="col">类 <span lang="en">family</span></th>'
    return f"<table><thead><tr>{top}{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _clause(v: ClauseVerdict) -> str:
    wrong = " open" if v.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) else ""
    drawn = picture(v)
    parts = [
        ("要求", "Requirement", _lines(v.requirement)),
        ("判据", "Criterion", _lines(v.criterion)),
        ("结果", "Verdict", _sign(v.verdict)),
        ("理由", "Reason", _lines(v.reason)),
        ("依据", "Source", f"<span>{_text(v.source)}</span>"),
    ]
    if drawn is not None:
        parts.append(("历时", "It took", words.span(v.took_s)))
    told = "".join(f'<dt>{zh} <span lang="en">{en}</span></dt><dd>{what}</dd>' for zh, en, what in parts)
    return (
        f'<details class="clause {v.verdict}" id="{_text(v.number)}" data-clause="{_text(v.number)}" data-verdict="{v.verdict}"{wrong}>'
        f"<summary><b>{_text(v.number)}</b><span>{both(v.title)}</span>{_sign(v.verdict)}</summary>"
        f'<div class="inside"><dl>{told}</dl>{svg(drawn) if drawn else ""}{_bytes(v)}</div></details>\n'
    )


def _lines(text: Bilingual) -> str:
    return f'<span>{_text(text.zh)}</span><span lang="en">{_text(text.en)}</span>'


def _bytes(v: ClauseVerdict) -> str:
    """The lines that the verdict rests on, with their bytes."""
    shown = [line for line in v.evidence if line.shows]
    if not shown:
        return ""
    rows = "".join(_byte_row(line, (line.at - v.began_at).total_seconds()) for line in shown)
    return (
        '<details class="bytes"><summary>判定所依据的报文与字节 · The packets that show it, with their bytes</summary>'
        f"<table><tbody>{rows}</tbody></table></details>"
    )


def _byte_row(line: Line, after: float) -> str:
    raw = f"<br><code>{_text(line.raw)}</code>" if line.raw else ""
    arrow = {"up": "→", "down": "←"}.get(line.way, "")
    return f'<tr><td class="n">{words.span(max(after, 0))}</td><td>{arrow}</td><td><code>{_text(line.text)}</code>{raw}</td></tr>'
