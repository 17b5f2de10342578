"""The file of channels: every kind in the example can be made, and what does not fit together is told with its line."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from gateway.notify.callback import Report
from gateway.notify.channel import Channel
from gateway.notify.pulling import keep_pulling
from gateway.notify.settings import NotifyFile, channels, load_notify, survey_channels, survey_notify
from gateway.problem import CommandFailed
from tests.channels import WALL, ZONE, made, sent
from tests.fakes.clouds import FakeAliyun
from tests.notices import receiver, until
from tests.test_channels_clouds import ALIYUN_SMS

EXAMPLE = Path(__file__).resolve().parents[1] / "config" / "notify.example.toml"
OPTION = re.compile(r"^# (\[\[\w+\]\]|\w+ = .*)$")


class Anything(Mapping[str, str]):
    """An environment in which every secret is there."""

    def __getitem__(self, name: str) -> str:
        if "_SECRET" in name:
            return "whsec_" + "A" * 44
        if name.endswith("BARK_URL"):
            return "json://127.0.0.1/x"
        return "https://example.org/hook?access_token=1" if name.endswith("_URL") else name.lower()

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def everything(folder: Path) -> Path:
    """The example with all its options switched on; `folder` and `url` exclude each other, and one of two stays."""
    lines = [OPTION.sub(r"\1", line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    path = folder / "notify.toml"
    path.write_text("\n".join(line for line in lines if not line.startswith(("folder = ", "ca = "))), encoding="utf-8")
    (folder / "smtp-password").write_text("x")
    return path


def test_every_option_of_the_example_is_one_and_every_kind_of_channel_stands_in_it(tmp_path: Path) -> None:
    path = everything(tmp_path)
    found = survey_notify(path)
    survey_channels(found, wall=lambda: WALL, zone=ZONE, environment=Anything())
    assert [str(mistake) for mistake in found.mistakes] == []
    file = load_notify(path)
    kinds = {channel.kind for channel in channels(file, path, wall=lambda: WALL, zone=ZONE, environment=Anything())}
    assert kinds == {field.encode_name for field in msgspec.structs.fields(NotifyFile)} - {"target"}


def written(folder: Path, text: str) -> Path:
    path = folder / "notify.toml"
    path.write_text(text, encoding="utf-8")
    return path


HOOK = '[[webhook]]\nname = "hook"\nurl = "https://example.org"\nsecret = "whsec_' + "A" * 44 + '"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HOOK + '[[first_of]]\nname = "sms"\nchannels = ["hook", "none"]\n', ":7: first_of[0].channels: channel 'sms': 'none' is none of"),
        (HOOK + '[[first_of]]\nname = "sms"\nchannels = ["hook"]\n', "first_of[0].channels"),
        (HOOK + '[[first_of]]\nname = "hook"\nchannels = ["hook", "hook"]\n', "two channels are named 'hook'"),
        (HOOK + '[[target]]\nname = "siren"\nchannels = ["hook"]\n', "'siren' is the siren in the home, no channel leads there"),
        (HOOK + '[[target]]\nname = "desk"\nchannels = ["hook"]\n', "'desk' is the operators' screens, no channel leads there"),
        ('[[wecom]]\nname = "g"\nurl = "x"\nper_minute = 0\n', "wecom[0].per_minute"),
        ('[[aliyun_voice]]\nname = "v"\n', "aliyun_voice[0]"),
        ('[[gb26875]]\nname = "f"\nhost = "h"\nport = 1\nsource = "12"\ndestination = "000000000002"\n', "gb26875[0].source"),
        ('[[wecoms]]\nname = "g"\n', "wecoms"),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        load_notify(written(tmp_path, text))
    assert said in str(caught.value)


def test_reports_that_nobody_brings_are_asked_for_again_and_again() -> None:
    async def story() -> None:
        heard = list[tuple[Channel, Report]]()
        fake = FakeAliyun(WALL)
        async with receiver(fake) as there:
            channel = made(ALIYUN_SMS.replace("{url}", f"http://127.0.0.1:{there.port}"))
            asking = asyncio.create_task(keep_pulling([channel], lambda which, report: heard.append((which, report)), every_s=0.01))
            await sent(channel)
            await until(lambda: len(there.hits) >= 3)
            fake.plan({"Code": "isp.SYSTEM_ERROR"}, {"Code": 7}, status="500 Internal Server Error")
            fake.status[fake.taken[0]["id"]] = 3
            await until(lambda: bool(heard))
            assert not asking.done()
            asking.cancel()
            await channel.close()
        ((which, report),) = heard
        assert (which, report.notification) == (channel, "n-1")

    asyncio.run(story())
