"""To other platforms: CAP 1.2 as a file and as a POST, GB/T 26875.3 over TCP, and the long tail by Apprise."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from alerting.terms import Category, Origin, Priority
from gateway.notify.channel import Channel, Notice, NotifyError, Sent, token
from gateway.notify.gb26875_frames import BEIJING, Command, Component, Frame, NotAFrame, State, component_state, decode, encode
from tests.channels import MEANS, made, sent, through, told
from tests.fakes.fire_platform import FirePlatform, fire_platform
from tests.notices import answering, notice, receiver

NS = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
SCHEMA = etree.XMLSchema(etree.parse(str(Path(__file__).parent / "data" / "cap-1.2.xsd")))

CAP = '[[cap]]\nname = "c"\nsender = "anju.example.org"\naddresses = ["duty desk", "county-119"]\n'


# --- CAP -----------------------------------------------------------------------------------------------------------------------


def written(folder: Path, said: Notice, more: str = "") -> Any:
    """The document that a channel wrote, valid by the schema."""
    channel = made(f'{CAP}folder = "."\n{more}', msgspec.structs.replace(MEANS, folder=folder))
    answer = asyncio.run(sent(channel, said))
    assert isinstance(answer, Sent), answer
    assert [path.name for path in folder.iterdir()] == [f"{token(said.notification)}.xml"], "one file, and no part of one"
    document = etree.parse(str(folder / f"{token(said.notification)}.xml"))
    SCHEMA.assertValid(document)
    return document


def one(document: Any, path: str) -> str:
    (found,) = document.xpath(path, namespaces=NS)
    return str(found.text)


def test_a_call_for_help_is_a_cap_message_in_both_languages(tmp_path: Path) -> None:
    document = written(tmp_path, told())
    assert one(document, "/cap:alert/cap:identifier") == "n-1"
    assert one(document, "/cap:alert/cap:sent") == "2026-11-22T10:00:00+08:00"
    assert one(document, "/cap:alert/cap:status") == "Actual"
    assert one(document, "/cap:alert/cap:scope") == "Private"
    assert one(document, "/cap:alert/cap:addresses") == '"duty desk" county-119'
    assert one(document, "/cap:alert/cap:incidents") == "a-1"
    for language, event in (("zh-CN", "求助"), ("en-US", "Call for help")):
        info = f"/cap:alert/cap:info[cap:language='{language}']"
        assert one(document, f"{info}/cap:event") == event
        assert one(document, f"{info}/cap:category") == "Rescue"
        assert (one(document, f"{info}/cap:urgency"), one(document, f"{info}/cap:severity")) == ("Immediate", "Severe")
        assert one(document, f"{info}/cap:area/cap:geocode/cap:value") == "330102001"
    assert "房颤" not in etree.tostring(document, encoding="unicode")


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("origin", Origin)
def test_every_category_and_origin_gives_a_valid_message(tmp_path: Path, category: Category, origin: Origin) -> None:
    document = written(tmp_path, told(notice(category=category), origin=origin))
    status = {Origin.REAL: "Actual", Origin.TEST: "Test", Origin.SYNTHETIC: "System", Origin.TRAINING: "Exercise"}[origin]
    assert one(document, "/cap:alert/cap:status") == status


@pytest.mark.parametrize("priority", Priority)
def test_every_priority_gives_a_valid_message_of_a_home_with_strange_signs_in_its_name(tmp_path: Path, priority: Priority) -> None:
    name = '<12> & "栋" ]]> \x00\x0b\r\n 😀'
    document = written(tmp_path, told(priority=priority, home_name=name, address="", area="", link="", phone="", residents=()))
    assert '<12> & "栋" ]]>' in one(document, "//cap:info[1]/cap:headline")


def test_a_restricted_message_says_to_whom(tmp_path: Path) -> None:
    document = written(tmp_path, told(), 'restriction = "only the county"\n')
    assert (one(document, "//cap:scope"), one(document, "//cap:restriction")) == ("Restricted", "only the county")


def test_the_same_notification_written_twice_is_one_file(tmp_path: Path) -> None:
    channel = made(f'{CAP}folder = "."\n', msgspec.structs.replace(MEANS, folder=tmp_path))
    for _ in range(2):
        assert isinstance(asyncio.run(sent(channel)), Sent)
    assert [path.name for path in tmp_path.iterdir()] == ["n-1.xml"]


def test_a_folder_that_is_gone_is_tried_again(tmp_path: Path) -> None:
    channel = made(f'{CAP}folder = "gone"\n', msgspec.structs.replace(MEANS, folder=tmp_path))
    error = asyncio.run(sent(channel))
    assert isinstance(error, NotifyError)
    assert error.transient
    with pytest.raises(NotifyError):
        asyncio.run(channel.reach())


@pytest.mark.parametrize(
    ("status", "transient"),
    [("200 OK", None), ("201 Created", None), ("400 Bad", False), ("401 Unauthorized", False), ("429 Slow", True), ("503 Later", True)],
)
def test_another_platforms_status_decides(status: str, transient: bool | None) -> None:
    answer, heard = through(f'{CAP}url = "{{url}}/cap"\ntoken = "secret"\n', answering(status))
    assert (answer.transient if isinstance(answer, NotifyError) else None) == transient
    (hit,) = heard.hits
    assert (hit.headers["content-type"], hit.headers["authorization"], hit.headers["idempotency-key"]) == (
        "application/cap+xml", "Bearer secret", "n-1",
    )  # fmt: skip
    SCHEMA.assertValid(etree.fromstring(hit.body))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('sender = "a b"\naddresses = ["x"]\nfolder = "."', "sender"),
        ('sender = "a"\naddresses = ["x"]', "folder"),
        ('sender = "a"\naddresses = ["x"]\nfolder = "."\nurl = "https://example.org"', "folder"),
        ('sender = "a"\nfolder = "."', "addresses"),
        ('sender = "a"\naddresses = ["x"]\nurl = "example.org"', "url"),
    ],
)
def test_a_cap_channel_that_cannot_be_made_is_refused(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named}: "):
        made(f'[[cap]]\nname = "c"\n{text}\n')


# --- GB/T 26875.3 --------------------------------------------------------------------------------------------------------------

VECTOR = bytes.fromhex(
    "40400000 0101 180d11160a14 000000000000 060504030201 3000 02 02010103 00d9000600 0200"
    "a3c1c7f8a3b1b2e3dfc8b2b8d7dfc0c80000000000000000000000000000 00 301213010814 68 2323",
)
"""A frame of the standard's own examples; the sum of its bytes was computed once more, and is 0x68."""


def test_our_frame_equals_the_published_one_byte_for_byte() -> None:
    component = Component(
        system_type=1, system=3, type=0, address=0x000600D9, state=State.FIRE, text="Ａ区１层呷哺走廊",
        at=datetime(2020, 8, 1, 19, 18, 48, tzinfo=BEIJING),
    )  # fmt: skip
    frame = Frame(0, datetime(2020, 10, 22, 17, 13, 24, tzinfo=BEIJING), 0, 0x010203040506, Command.SEND, component_state(component))
    assert encode(frame) == VECTOR
    assert decode(VECTOR) == frame


@given(st.integers(0, len(VECTOR) - 1), st.integers(1, 255))
def test_a_byte_that_changed_on_the_way_is_noticed(at: int, change: int) -> None:
    changed = VECTOR[:at] + bytes([VECTOR[at] ^ change]) + VECTOR[at + 1 :]
    with pytest.raises(NotAFrame):
        decode(changed)


@given(st.binary(max_size=80))
def test_whatever_else_comes_is_no_frame(raw: bytes) -> None:
    with pytest.raises(NotAFrame):
        decode(raw)


@given(st.text(max_size=40))
def test_any_name_of_a_home_fits_into_31_bytes(text: str) -> None:
    data = component_state(Component(1, 1, 0, 7, State.FIRE, text, datetime(2026, 11, 22, tzinfo=UTC)))
    assert len(data) == 48


GB = (
    '[[gb26875]]\nname = "f"\nhost = "127.0.0.1"\nport = {port}\nsource = "330102000001"\ndestination = "010203040506"\n'
    'answer_s = {answer_s}\n'
)  # fmt: skip


def fire(**more: Any) -> Notice:
    return told(notice("n-fire", Category.FIRE), **more)


def told_to_the_platform(story: Callable[[Channel, FirePlatform], Awaitable[None]], *answers: str) -> None:
    async def whole() -> None:
        async with fire_platform(*answers) as platform:
            answer_s = "1.0" if "silence" in answers else "30.0"  # who answers may be busy
            await story(made(GB.replace("{port}", str(platform.port)).replace("{answer_s}", answer_s)), platform)

    asyncio.run(whole())


def test_a_fire_is_confirmed_and_carries_home_and_time() -> None:
    async def story(channel: Channel, platform: FirePlatform) -> None:
        assert isinstance(await sent(channel, fire()), Sent)
        (raw,) = platform.frames
        frame = decode(raw)
        assert (frame.command, frame.source, frame.destination) == (Command.SEND, 0x330102000001, 0x010203040506)
        assert frame.data[:5] == bytes([2, 1, 1, 1, 0])
        assert frame.data[9:11] == b"\x02\x00"
        assert frame.data[11:42].rstrip(b"\0").decode("gb18030") == "12 栋 3 单元 402 卫生间"
        assert frame.data[42:] == bytes([0, 59, 9, 22, 11, 26]), "raised at 09:59:00 in China"
        await sent(channel, fire())
        assert decode(platform.frames[1]).number == frame.number, "sent again, it is the same frame"

    told_to_the_platform(story)


def test_a_test_is_a_component_under_test_and_never_a_fire() -> None:
    async def story(channel: Channel, platform: FirePlatform) -> None:
        await sent(channel, fire(origin=Origin.TEST))
        frame = decode(platform.frames[0])
        assert frame.data[9:11] == b"\x00\x00"
        assert frame.data[11:42].decode("gb18030").startswith("测试")

    told_to_the_platform(story)


@pytest.mark.parametrize(("category", "state"), [(Category.FIRE, 2), (Category.GAS, 2), (Category.TECHNICAL, 4)])
def test_what_the_standard_has_a_word_for_is_told(category: Category, state: int) -> None:
    async def story(channel: Channel, platform: FirePlatform) -> None:
        assert isinstance(await sent(channel, told(notice(category=category))), Sent)
        assert decode(platform.frames[0]).data[9] == state

    told_to_the_platform(story)


def test_what_it_has_no_word_for_is_refused_at_once_so_that_the_next_step_follows() -> None:
    async def story(channel: Channel, platform: FirePlatform) -> None:
        for category in set(Category) - {Category.FIRE, Category.GAS, Category.TECHNICAL}:
            error = await sent(channel, told(notice(category=category)))
            assert isinstance(error, NotifyError)
            assert not error.transient
        assert platform.frames == []

    told_to_the_platform(story)


@pytest.mark.parametrize(
    ("answers", "tries", "transient"),
    [
        (("silence", "confirm"), 2, None),
        (("deny", "silence", "confirm"), 3, None),
        (("silence",), 3, True),
        (("deny",), 3, False),
        (("garbage",), 1, True),
        (("hang_up",), 1, True),
    ],
)
def test_a_frame_is_sent_again_until_it_is_confirmed(answers: tuple[str, ...], tries: int, transient: bool | None) -> None:
    async def story(channel: Channel, platform: FirePlatform) -> None:
        answer = await sent(channel, fire())
        assert (answer.transient if isinstance(answer, NotifyError) else None) == transient
        assert len(platform.frames) == tries
        assert len(set(platform.frames)) == 1, "the same frame each time"

    told_to_the_platform(story, *answers)


def test_a_platform_that_is_away_is_tried_again_later() -> None:
    error = asyncio.run(sent(made(GB.replace("{port}", "1").replace("{answer_s}", "1.0")), fire()))
    assert isinstance(error, NotifyError)
    assert error.transient


# --- Apprise -------------------------------------------------------------------------------------------------------------------


APPRISE = '[[apprise]]\nname = "a"\nurls = ["json://127.0.0.1:{port}/anju"]\n'


def apprised(status: str) -> tuple[Sent | NotifyError, list[bytes]]:
    async def story() -> tuple[Sent | NotifyError, list[bytes]]:
        async with receiver(answering(status)) as heard:
            channel = made(APPRISE.replace("{port}", str(heard.port)))
            return await sent(channel), [hit.body for hit in heard.hits]

    return asyncio.run(story())


def test_apprise_hands_a_notice_to_whatever_its_address_names() -> None:
    answer, bodies = apprised("200 OK")
    assert isinstance(answer, Sent), answer
    (body,) = map(json.loads, bodies)
    assert "12 栋 3 单元 402" in body["title"]
    assert "求助" in body["message"]
    assert "https://anju.example.org/r/abcd" in body["message"]


def test_what_apprise_could_not_deliver_is_tried_again() -> None:
    error, _ = apprised("500 Internal Server Error")
    assert isinstance(error, NotifyError)
    assert error.transient


def test_an_address_that_apprise_does_not_know_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match=r"^urls: the 1\. is no address") as caught:
        made('[[apprise]]\nname = "a"\nurls = ["nosuch://secret"]\n')
    assert "secret" not in str(caught.value)
