"""What a vendor sees on the terminal: a bar, verdicts as they stand, and what to do at the device, with a timer."""

import asyncio
import sys
from collections.abc import Callable

from simulator.certification.bench import Verdict
from simulator.certification.catalogue import Clause
from simulator.certification.person import ASKED_FOR_S, Question, Said
from simulator.certification.result import ClauseVerdict, Result
from simulator.progress import bar

_MARKS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.INCONCLUSIVE: "open", Verdict.NOT_APPLICABLE: "n/a "}


class Terminal:
    """A window for questions: Enter is done, `n` that it cannot be. There where standard input is a terminal."""

    def __init__(self) -> None:
        self._question: Question | None = None
        self._answer: Callable[[Said], bool] = lambda _: False
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def is_there(self) -> bool:
        return sys.stdin.isatty()

    def opened(self, question: Question, answer: Callable[[Said], bool]) -> None:
        self._question, self._answer = question, answer
        sys.stderr.write(f"\r\x1b[K{_put(question)}\n")
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._read)
        self._tick()

    def closed(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._question = None
        if self._ticking is not None:
            self._ticking.cancel()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    def _tick(self) -> None:
        if self._question is not None:
            sys.stderr.write(f"\r\x1b[K{bar(1 - self._question.left_s / ASKED_FOR_S)} {self._question.left_s:3.0f} s > ")
            sys.stderr.flush()
            self._ticking = asyncio.get_running_loop().call_later(1.0, self._tick)

    def _read(self) -> None:
        said = sys.stdin.readline()
        if self._question is not None:
            self._answer(_meant(said.strip().lower(), looks=self._question.looks) if said else Said.CANNOT)


def _put(question: Question) -> str:
    zh, en = question.words.zh, question.words.en
    if question.looks:
        return f"设备是否提示“{zh}”？ / does the device show: {en}? [y/n/?]"
    return f"请操作 / please: {zh} / {en}，完成后按回车，做不到按 n 再回车 / then press Enter, or n Enter where it cannot be done"


def _meant(said: str, *, looks: bool) -> Said:
    if not looks:
        return Said.CANNOT if said in {"n", "no", "否"} else Said.DONE
    if said in {"?", "？"}:
        return Said.CANNOT
    return Said.YES if said in {"y", "yes", "是", "1"} else Said.NO


class Bar:
    """On standard error while it runs, where that is a terminal. `weights`: seconds that each clause is expected to take."""

    def __init__(self, weights: dict[str, float], *, shown: bool) -> None:
        self._weights = dict(weights)
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
