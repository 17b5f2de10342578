"""A person at the bench: asked at the terminal and on a page, whichever answers first; a real browser on a phone."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future  # noqa: TC003 - with its annotations
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Self, TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from simulator.certification import lab
from simulator.certification.bench import Undone, Verdict
from simulator.certification.page.serving import served
from simulator.certification.page.state import Board
from simulator.certification.person import Person, Question, Said
from simulator.certification.result import ClauseVerdict, Result, Run
from simulator.scenario import Bilingual
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from tests.patience import PATIENCE_S
from tests.service import until
from tests.vendor import CLAUSES, ROOT, VENDOR, Bought, stated

T = TypeVar("T")

PRESS = Deed(Stimulus.PRESS)


class Answers:
    """A window behind which somebody says the same to everything; None: nobody looks."""

    is_there = True

    def __init__(self, *said: Said) -> None:
        self.said = said
        self.taken: list[bool] = []
        self.questions: list[Question] = []
        self.open = False

    def opened(self, question: Question, answer: Callable[[Said], bool]) -> None:
        self.open = True
        self.questions.append(question)
        for said in self.said:
            asyncio.get_running_loop().call_soon(self._say, answer, said)

    def _say(self, answer: Callable[[Said], bool], said: Said) -> None:
        self.taken.append(answer(said))

    def closed(self) -> None:
        self.open = False


def test_the_first_answer_counts_and_every_window_closes() -> None:
    silent, quick = Answers(), Answers(Said.DONE, Said.CANNOT)
    asyncio.run(Person(silent, quick).do(PRESS))
    assert quick.taken[:1] == [True]
    assert not silent.open
    assert not quick.open
    assert silent.questions == quick.questions


def test_what_cannot_be_done_or_said_leaves_the_clause_open_with_that_reason() -> None:
    with pytest.raises(Undone, match="cannot be done"):
        asyncio.run(Person(Answers(Said.CANNOT)).do(PRESS))
    with pytest.raises(Undone, match="could not say"):
        asyncio.run(Person(Answers(Said.CANNOT)).look(Sign.ACCEPTED))


def test_an_answer_that_fits_another_kind_of_question_is_none() -> None:
    window = Answers(Said.DONE, Said.NO)
    assert asyncio.run(Person(window).look(Sign.ACCEPTED)) is False
    assert window.taken == [False, True]


def test_a_time_that_is_over_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.certification.person.ASKED_FOR_S", 0.05)
    with pytest.raises(Undone, match="was not done within"):
        asyncio.run(Person(Answers()).do(PRESS))


# --- the page ---


class Bench:
    """An examination of nothing, in a thread with a loop: its page, and a person who is asked what the test asks."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.address = self._run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._served.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def ask(self, what: Callable[[Person], Coroutine[None, None, T]]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(what(self._person), self._loop)

    def tell(self, number: str, verdict: Verdict) -> None:
        clause = next(one for one in CLAUSES if one.number == number)
        reason = Bilingual("设备没有提示", "the receipt came, and it did not show it")
        told = ClauseVerdict(
            number, clause.family, clause.title, clause.requirement, clause.criterion, clause.source, verdict, reason, lab.EPOCH, 1.0,
        )  # fmt: skip
        self._loop.call_soon_threadsafe(self._board.told, told)
        self._verdicts.append(told)

    def end(self) -> None:
        run = Run(lab.EPOCH, lab.EPOCH, False, 4, "", "button")
        self._loop.call_soon_threadsafe(self._board.ended, Result("1", "", stated("starter.toml"), run, tuple(self._verdicts)))

    async def _open(self) -> str:
        self._verdicts: list[ClauseVerdict] = []
        self._board = Board(stated("starter.toml"), {"C-06": 5.0, "A-22": 60.0})
        self._person = Person(self._board)
        self._served = AsyncExitStack()
        return await self._served.enter_async_context(served(self._board, "127.0.0.1", 0))

    def _run(self, what: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE_S)


@contextmanager
def examination(folder: Path, *clauses: str) -> Iterator[tuple["subprocess.Popen[str]", str, Bought]]:
    """`./anju certify --page` with nobody at its terminal; the page's address; the guide's starter as its device."""
    words = [
        sys.executable, "-m", "simulator", "certify", "--device", "button", "--profile", "pendant",
        "--features", str(VENDOR / "starter.toml"), "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0", "--keep", str(folder / "kept"),
        *(word for clause in clauses for word in ("--clause", clause)),
    ]  # fmt: skip
    said: list[str] = []
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ),
    ) as bench:  # fmt: skip
        assert bench.stderr is not None
        try:
            while "the page:" not in "".join(said):
                said.append(bench.stderr.readline())
                assert said[-1], said
            told = "".join(said)

            def after(words: str) -> str:
                found = re.search(rf"{words}: (\S+)", told)
                assert found is not None, told
                return found[1]

            port = re.search(r":(\d+), MQTT level", told)
            assert port is not None
            device = Bought("starter", folder, {
                "HOST": "127.0.0.1", "PORT": port[1], "CA": after("trusts"), "USERNAME": after("username"), "PASSWORD": after("password"),
                "TOPIC": after("publishes to").removesuffix("/report"),
            })  # fmt: skip
            device.powered(True)
            try:
                yield bench, after("the page"), device
            finally:
                device.powered(False)
        finally:
            if bench.poll() is None:
                bench.terminate()


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Page:
    page = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="zh-CN").new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    return page


def test_a_person_is_led_through_an_examination_on_a_phone(phone: Page, tmp_path: Path) -> None:
    """Done by thumb; seen, and said so by a key; what cannot be done; verdicts as they stand; the end."""
    complaints: list[str] = []
    asked_for: list[str] = []
    phone.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    phone.on("pageerror", lambda error: complaints.append(str(error)))
    phone.on("request", lambda request: asked_for.append(request.url))
    with Bench() as bench:
        phone.goto(bench.address)
        expect(phone.locator("#device")).to_have_text("Example starter 1.0.0")
        expect(phone.locator("#zh")).to_have_text("现在不用操作，请不要碰设备")
        pressed = bench.ask(lambda person: person.do(PRESS))
        expect(phone.locator("#zh")).to_have_text("请操作：拉一下拉绳或按下按钮")
        expect(phone.locator("#en")).to_have_text("Please pull the cord or press the button.")
        expect(phone.locator("#left")).to_have_text(re.compile(r"1[12]\d s"))
        button = phone.get_by_role("button", name="完成")
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 56
        assert box["y"] + box["height"] <= 844
        button.tap()
        assert pressed.result(PATIENCE_S) is None
        bench.tell("C-06", Verdict.PASS)
        seen = bench.ask(lambda person: person.look(Sign.ACCEPTED))
        expect(phone.locator("#zh")).to_have_text("设备是否提示“已受理”？")
        expect(phone.locator("#yes")).to_be_focused()
        phone.screenshot(path=os.environ.get("PAGE_SHOT", str(tmp_path / "page.png")))
        phone.keyboard.press("y")
        assert seen.result(PATIENCE_S) is True
        power = bench.ask(lambda person: person.do(Deed(Stimulus.POWER, 0)))
        expect(phone.locator("#zh")).to_have_text("请操作：断开全部电源和电池")
        expect(phone.locator("#cannot")).to_be_enabled()
        phone.keyboard.press("n")
        with pytest.raises(Undone, match="cannot be done"):
            power.result(PATIENCE_S)
        bench.tell("A-22", Verdict.FAIL)
        expect(phone.locator("[data-clause=A-22] .verdict")).to_have_text("✗未通过")
        expect(phone.locator("[data-clause=A-22] .why")).to_contain_text("it did not show it")
        expect(phone.locator("[data-clause=C-06] .verdict")).to_have_text("✓通过")
        expect(phone.locator("#tally")).to_have_text("✓ 通过 pass 1 · ✗ 未通过 fail 1")
        bench.end()
        expect(phone.locator("#zh")).to_have_text("✗ 检验结束：未通过")
    assert complaints == []
    assert {httpx.URL(url).host for url in asked_for if not url.startswith("data:")} == {"127.0.0.1"}


def test_a_second_tap_is_not_the_answer_to_the_next_question(browser: Browser) -> None:
    """By a clock that stands still but for the test: how soon a busy machine looks at the page is no part of the story."""
    with Bench() as bench, browser.new_context(has_touch=True, is_mobile=True) as context:
        phone = context.new_page()
        phone.clock.install(time=0)
        phone.goto(bench.address)
        phone.clock.pause_at(2000 * PATIENCE_S)
        button, settle_ms = phone.get_by_role("button", name="完成"), 700
        first = bench.ask(lambda person: person.do(PRESS))
        expect(phone.locator("#zh")).to_have_text("请操作：拉一下拉绳或按下按钮")
        phone.clock.run_for(settle_ms)
        expect(button).to_be_enabled()
        button.tap()
        first.result(PATIENCE_S)
        second = bench.ask(lambda person: person.do(Deed(Stimulus.POWER, 0)))
        expect(phone.locator("#zh")).to_have_text("请操作：断开全部电源和电池")
        phone.clock.run_for(settle_ms - 1)
        expect(button).to_be_disabled()
        phone.clock.run_for(1)
        expect(button).to_be_enabled()
        assert not second.done()
        button.tap()
        second.result(PATIENCE_S)


@pytest.mark.long
def test_a_vendor_is_led_through_a_clause_by_the_command(phone: Page, tmp_path: Path) -> None:
    """`./anju certify --page`, the starter as the device; its press is told by thumb, its lamp by keys."""
    with examination(tmp_path, "C-06", "A-22") as (bench, address, device):
        phone.goto(address)
        expect(phone.locator("#zh")).to_have_text("请操作：拉一下拉绳或按下按钮")
        device.key("")
        phone.get_by_role("button", name="完成").tap()
        expect(phone.locator("#zh")).to_have_text("设备是否提示“已受理”？")
        until("the lamp", lambda: "accepted" in device.lamp)
        expect(phone.locator("#yes")).to_be_enabled()
        phone.keyboard.press("y")
        expect(phone.locator("#zh")).to_have_text("设备是否提示“已看到”？")
        expect(phone.locator("#no")).to_be_enabled()
        phone.keyboard.press("n")
        expect(phone.locator("[data-clause=A-22] .verdict")).to_have_text("✗未通过")
        expect(phone.locator("#zh")).to_have_text("✗ 检验结束：未通过")
        assert bench.wait(PATIENCE_S) == 1


def test_who_does_not_know_the_secret_part_cannot_answer(tmp_path: Path) -> None:
    with examination(tmp_path, "A-01") as (_, address, _device), httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
        base = address.rstrip("/").rpartition("/")[0]
        assert client.get(address).status_code == 200
        assert client.get(f"{base}/").status_code == 404
        assert client.post(f"{base}/guess/answer", content=b'{"number": 1, "said": "done"}').status_code == 404
        assert client.post(f"{address}answer", content=b'{"number": 99, "said": "done"}').status_code == 409
        assert client.post(f"{address}answer", content=b'{"number": "x"}').status_code == 400
        assert client.post(f"{address}answer", content=b"x" * 5000).status_code == 413
