"""A virtual device: a body, a flash and the firmware that runs while there is power. No socket, no clock.

Whoever drives it connects a line when `wants_line`, tells it by `line_up` and `line_down`, carries `output` away (and clears it), brings
bytes to `receive`, and calls `advance` at `next_deadline`. A line that is up while `wants_line` is False is dropped, without a goodbye.
"""

from datetime import datetime, timedelta
from random import Random

from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Flash
from simulator.virtual.hardware import Hardware
from simulator.virtual.profile import Profile
from simulator.virtual.radio import Shown
from simulator.virtual.speech import Identity, Words
from simulator.virtual.stimulus import Deed, Sign, Stimulus


class VirtualDevice:
    """`firmware`: the class that runs on it; a mutant is a subclass of Firmware given here. Off until `act(POWER, 1)`."""

    def __init__(
        self, profile: Profile, identity: Identity, now: datetime, *, seed: str = "", firmware: type[Firmware] = Firmware,
        flash: Flash | None = None,
    ) -> None:  # fmt: skip
        self.profile, self.identity = profile, identity
        self._chance = Random(f"{seed}:{identity.device}")  # noqa: S311 - a story, not a secret
        self.flash = Flash(unit=f"{self._chance.getrandbits(24):06x}") if flash is None else flash
        self.hardware = Hardware(profile.battery_days, now)
        self._firmware_class = firmware
        self.firmware: Firmware | None = None
        self._nothing = bytearray()

    @property
    def output(self) -> bytearray:
        """To be sent, then cleared."""
        return self._nothing if self.firmware is None else self.firmware.mqtt.output

    @property
    def wants_line(self) -> bool:
        return self.firmware is not None and self.firmware.wants_line

    @property
    def next_deadline(self) -> datetime | None:
        return None if self.firmware is None else self.firmware.next_deadline

    @property
    def signs(self) -> frozenset[Sign]:
        """What can be seen on it."""
        return frozenset() if self.firmware is None else frozenset(self.hardware.lamps)

    @property
    def words(self) -> Words | None:
        """What can be heard from it, or read on it: the last prompt."""
        return None if self.firmware is None else self.hardware.words

    def trusts(self, shown: Shown) -> bool:
        """In TLS: whether it goes on with the server that shows this."""
        return self.firmware is not None and self.firmware.trusts(shown)

    def looks_up(self) -> bool:
        """Whether it asks for the address of its server anew before it connects."""
        return self.firmware is not None and self.firmware.looks_up()

    def line_up(self, now: datetime) -> None:
        if self.firmware is not None:
            self.firmware.line_up(now)

    def line_down(self, now: datetime) -> None:
        """It is gone, or the one asked for could not be had."""
        if self.firmware is not None:
            self.firmware.line_down(now)

    def receive(self, data: bytes, now: datetime) -> None:
        if self.firmware is not None:
            self.firmware.receive(data, now)

    def advance(self, now: datetime) -> None:
        if self.firmware is not None:
            self.firmware.advance(now)

    def act(self, deed: Deed, now: datetime) -> None:
        """Somebody or something does this to it."""
        match deed.stimulus:
            case Stimulus.POWER:
                self._power(on=deed.amount > 0, now=now)
                return
            case Stimulus.CLOCK:
                self._set_clock(deed.amount)
                return
            case Stimulus.BATTERY:
                self.hardware.charge_to(deed.amount, now)
                if deed.amount <= 0:
                    self._power(on=False, now=now)
            case _:
                self.hardware.felt[deed.stimulus] = deed.amount
        if self.firmware is not None:
            self.firmware.sense(deed, now)

    def _power(self, *, on: bool, now: datetime) -> None:
        if not on:
            self.firmware = None
            self.hardware.clock_error = None
        elif self.firmware is None:
            self.firmware = self._firmware_class(self.profile, self.identity, self.flash, self.hardware, self._chance)
            self.firmware.boot(now)

    def _set_clock(self, seconds: float) -> None:
        self.hardware.clock_error = timedelta(seconds=seconds)
