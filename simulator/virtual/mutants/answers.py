"""Faults of a call until somebody answers: repetitions, receipts, what the person is shown; and of commands."""

from datetime import datetime, timedelta

import msgspec

from devices.mqtt.client import Client, Event
from devices.mqtt.packets import Publish
from simulator.scenario import Bilingual
from simulator.virtual import speech
from simulator.virtual.firmware import STAGES, Firmware
from simulator.virtual.flash import Letter, Says
from simulator.virtual.mutants.mutant import Mutant
from simulator.virtual.profile import ProfileName, Sense
from simulator.virtual.radio import Timer
from simulator.virtual.speech import Channel, Command
from simulator.virtual.stimulus import Sign

PULL_CORD, PENDANT, FALL, WATCH = ProfileName.PULL_CORD, ProfileName.PENDANT, ProfileName.FALL, ProfileName.WATCH


class NeverRepeats(Firmware):
    def unanswered(self, now: datetime) -> None:
        pass


class RepeatsThrice(Firmware):
    def unanswered(self, now: datetime) -> None:
        if all(letter.sent <= 3 for letter in self.flash.unanswered):
            super().unanswered(now)


class RepeatsForEver(Firmware):
    """It shows the receipt, and goes on calling."""

    def receipt(self, command: Command, now: datetime) -> None:
        calling = list(self.flash.unanswered)
        super().receipt(command, now)
        if calling:
            self.flash.unanswered.extend(calling)
            self.timers[Timer.UNANSWERED] = now + self.repeat_after(1)


class RepeatsEverySecond(Firmware):
    def repeat_after(self, times: int) -> timedelta:  # noqa: ARG002 - always the same
        return timedelta(seconds=1)


class AcceptedWithoutReceipt(Firmware):
    """It tells its person that help was told as soon as the message was acknowledged."""

    def delivered(self, letter: Letter, now: datetime) -> None:
        super().delivered(letter, now)
        if letter.urgent:
            self.hardware.lamps.discard(Sign.CALLING)
            self.hardware.lamps.add(Sign.ACCEPTED)


class ReceiptNotShown(Firmware):
    def receipt(self, command: Command, now: datetime) -> None:
        before = set(self.hardware.lamps)
        super().receipt(command, now)
        self.hardware.lamps -= set(STAGES.values())
        self.hardware.lamps |= before


class OnlyFirstReceiptShown(Firmware):
    def receipt(self, command: Command, now: datetime) -> None:
        if command.stage == speech.Stage.ACCEPTED:
            super().receipt(command, now)


class PressNotShown(Firmware):
    def noticed(self, sense: Sense, says: Says, now: datetime) -> None:
        super().noticed(sense, says, now)
        self.hardware.lamps.discard(Sign.CALLING)


class SecondPressSwallowed(Firmware):
    """Whatever is like the last one within three minutes counts as its echo."""

    heard_at: datetime | None = None

    def noticed(self, sense: Sense, says: Says, now: datetime) -> None:
        echo = self.heard_at is not None and now - self.heard_at < timedelta(minutes=3)
        if not echo:
            self.heard_at = now
            super().noticed(sense, says, now)


class CallForgottenByRestart(Firmware):
    """Whether somebody has answered is in memory alone."""

    def boot(self, now: datetime) -> None:
        self.flash.unanswered.clear()
        super().boot(now)


class CarriesOutTwice(Firmware):
    def commanded(self, message: Publish, now: datetime) -> None:
        self.flash.answers.clear()
        super().commanded(message, now)


class SaysDoneToAnything(Firmware):
    def carry_out(self, command: Command, now: datetime) -> bytes:
        super().carry_out(command, now)
        return speech.done(command.id)


class SilentToUnknown(Firmware):
    def reply(self, payload: bytes, now: datetime) -> None:
        if b'"error"' not in payload:
            super().reply(payload, now)


class NeverReplies(Firmware):
    def reply(self, payload: bytes, now: datetime) -> None:
        pass


class ShortensCommandIds(Firmware):
    """Its field for an id has eight characters."""

    def carry_out(self, command: Command, now: datetime) -> bytes:
        return super().carry_out(msgspec.structs.replace(command, id=command.id[:8]), now)


class RetainedReply(Firmware):
    def reply(self, payload: bytes, now: datetime) -> None:
        self.mqtt.publish(self.identity.topic(Channel.REPLY), payload, 1, retain=True, now=now)


class ReplyWithQosZero(Firmware):
    def reply(self, payload: bytes, now: datetime) -> None:
        self.mqtt.publish(self.identity.topic(Channel.REPLY), payload, 0, now=now)


class TestSaidNotDone(Firmware):
    """The self-test by command is answered, and nothing is tested."""

    def carry_out(self, command: Command, now: datetime) -> bytes:
        return speech.done(command.id) if command.command == "self_test" else super().carry_out(command, now)


class _Crashing(Firmware):
    """Starts anew, with what is in flash."""

    def crash(self, now: datetime) -> None:
        self.mqtt = Client(self.connect_packet())
        self.flying.clear()
        self.timers.clear()
        self.wants_line = False
        self.boot(now)


class DiesOfLongMessage(_Crashing):
    def heard(self, event: Event, now: datetime) -> None:
        if isinstance(event, Publish) and len(event.payload) > 256:
            self.crash(now)
        else:
            super().heard(event, now)


class HangsOnEmptyMessage(Firmware):
    """Until somebody takes the battery out."""

    hung = False

    def heard(self, event: Event, now: datetime) -> None:
        self.hung = self.hung or (isinstance(event, Publish) and not event.payload)
        if not self.hung:
            super().heard(event, now)

    def advance(self, now: datetime) -> None:
        if self.hung:
            self.timers.clear()
            self.wants_line = False
        else:
            super().advance(now)

    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if self.hung:
            self.timers.clear()


class DiesOfBadJson(_Crashing):
    def commanded(self, message: Publish, now: datetime) -> None:
        try:
            speech.command(message.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.crash(now)
        else:
            super().commanded(message, now)


MUTANTS = (
    Mutant(
        name="never_repeats", profile=PULL_CORD, firmware=NeverRepeats,
        title=Bilingual("没人应答也不再呼叫。", "Nobody answers, and it does not call again."),
        names="repeating until a receipt", fails="A-10",
    ),
    Mutant(
        name="repeats_thrice", profile=PENDANT, firmware=RepeatsThrice,
        title=Bilingual("重发三次没人应答就放弃。", "After three repetitions without an answer it gives up."),
        names="repeating until a receipt, however long", fails="A-27",
    ),
    Mutant(
        name="repeats_for_ever", profile=PULL_CORD, firmware=RepeatsForEver,
        title=Bilingual("收到回执后仍不停呼叫。", "It goes on calling after the receipt."),
        names="a receipt ends the repeating", fails="A-09",
    ),
    Mutant(
        name="repeats_every_second", profile=FALL, firmware=RepeatsEverySecond,
        title=Bilingual("没有回执时每秒呼叫一次。", "Without a receipt it calls again every second."),
        names="the pace of repetitions", fails="A-28",
    ),
    Mutant(
        name="accepted_without_receipt", profile=PENDANT, firmware=AcceptedWithoutReceipt,
        title=Bilingual("平台还没受理，灯已显示受理。", "Its lamp says accepted before the platform has said so."),
        names="no receipt shown that did not come", fails="A-23",
    ),
    Mutant(
        name="receipt_not_shown", profile=PULL_CORD, firmware=ReceiptNotShown,
        title=Bilingual("收到回执不给老人任何提示。", "A receipt comes, and its person sees nothing of it."),
        names="receipts shown", fails="A-22",
    ),
    Mutant(
        name="only_first_receipt_shown", profile=WATCH, firmware=OnlyFirstReceiptShown,
        title=Bilingual("只提示已受理，后面的进展不显示。", "It shows accepted and none of the later stages."),
        names="each stage shown", fails="A-22",
    ),
    Mutant(
        name="press_not_shown", profile=PENDANT, firmware=PressNotShown,
        title=Bilingual("按下后没有任何提示，老人以为没按到。", "A press shows nothing, and one thinks that it did not work."),
        names="the call under way is shown", fails="A-29",
    ),
    Mutant(
        name="second_press_swallowed", profile=PULL_CORD, firmware=SecondPressSwallowed, source="1technophile/OpenMQTTGateway#2356",
        title=Bilingual("三分钟内再按一次，被当成重复丢掉。", "A second press within three minutes is thrown away as an echo."),
        names="two calls in a short time", fails="A-16",
    ),
    Mutant(
        name="call_forgotten_by_restart", profile=FALL, firmware=CallForgottenByRestart,
        title=Bilingual("等回执时断电，来电后不再呼叫。", "When power fails while it waits for a receipt, it does not call again."),
        names="repeating goes on after a restart", fails="A-30",
    ),
    Mutant(
        name="carries_out_twice", profile=ProfileName.SMOKE, firmware=CarriesOutTwice,
        title=Bilingual("同一条命令重发一次就执行两次。", "A command delivered again is carried out again."),
        names="a repeated command is one command", fails="M-03",
    ),
    Mutant(
        name="says_done_to_anything", profile=ProfileName.WATER, firmware=SaysDoneToAnything,
        title=Bilingual("不认识的命令也回答已完成。", "It says done to commands that it does not know."),
        names="an unknown command is refused", fails="M-02",
    ),
    Mutant(
        name="silent_to_unknown", profile=ProfileName.HUB, firmware=SilentToUnknown,
        title=Bilingual("不认识的命令不回答。", "It does not answer a command that it does not know."),
        names="every command has a reply", fails="M-02",
    ),
    Mutant(
        name="never_replies", profile=ProfileName.MOTION, firmware=NeverReplies,
        title=Bilingual("执行命令后从不回答。", "It carries commands out and never answers."),
        names="a reply to a command", fails="M-01",
    ),
    Mutant(
        name="shortens_command_ids", profile=ProfileName.CO, firmware=ShortensCommandIds,
        title=Bilingual("回答里的命令编号只剩前八位。", "Its replies carry the first eight characters of the command's id."),
        names="the id of the command in the reply", fails="M-09",
    ),
    Mutant(
        name="retained_reply", profile=ProfileName.DOOR, firmware=RetainedReply,
        title=Bilingual("命令的回答设了保留。", "Its replies are retained."),
        names="replies are not retained", fails="M-08",
    ),
    Mutant(
        name="reply_with_qos_zero", profile=ProfileName.GAS, firmware=ReplyWithQosZero,
        title=Bilingual("命令的回答以 QoS 0 发送。", "It sends its replies with QoS 0."),
        names="replies with QoS 1", fails="M-08",
    ),
    Mutant(
        name="test_said_not_done", profile=ProfileName.SMOKE, firmware=TestSaidNotDone,
        title=Bilingual("远程自检只回答完成，并没有真做。", "A self-test by command is said to be done, and nothing is tested."),
        names="the command self_test does what it says", fails="M-10",
    ),
    Mutant(
        name="dies_of_long_message", profile=PULL_CORD, firmware=DiesOfLongMessage, source="256dpi/arduino-mqtt#19",
        title=Bilingual("收到较长的消息就重启，一遍又一遍。", "A longer message restarts it, again and again."),
        names="long messages from the server", fails="M-04",
    ),
    Mutant(
        name="hangs_on_empty_message", profile=ProfileName.WATER, firmware=HangsOnEmptyMessage, source="xoseperez/espurna#185",
        title=Bilingual("收到空消息就死机。", "An empty message hangs it."),
        names="empty messages from the server", fails="M-04",
    ),
    Mutant(
        name="dies_of_bad_json", profile=WATCH, firmware=DiesOfBadJson, source="aly-fly/EleksTubeHAX#41",
        title=Bilingual("命令不合格式就重启。", "A command that cannot be read restarts it."),
        names="malformed commands", fails="M-04",
    ),
)  # fmt: skip
