"""What can be done to a device, and what can be seen on it: the whole of what a pair of hands and eyes on a bench do.

The certification suite speaks of nothing else, so that a virtual device is moved by the same words as a person is asked in.
"""

from enum import StrEnum

import msgspec


class Stimulus(StrEnum):
    """`Deed.amount` in brackets; 1 and 0 begin and end a state."""

    PRESS = "press"
    """The cord is pulled, the button pressed (1; 0 where the button is let go or the cord reset)."""
    CANCEL = "cancel"
    SELF_TEST = "self_test"
    SMOKE = "smoke"
    """(dB/m)"""
    HEAT = "heat"
    """(°C)"""
    CO = "co"
    """(ppm)"""
    GAS = "gas"
    """(%LEL)"""
    WATER = "water"
    """Water on the floor (1, 0)."""
    DOOR = "door"
    """Open (1), shut (0)."""
    MOTION = "motion"
    """Somebody moves (1), nobody does (0)."""
    FALL = "fall"
    """The wearer falls (1), is up again (0)."""
    WORN = "worn"
    """On the wrist (1), taken off (0)."""
    BATTERY = "battery"
    """The charge is now so many % (0 to 100)."""
    MAINS_LOST = "mains_lost"
    """Mains power fails (1), is back (0)."""
    TAMPER = "tamper"
    """Prised open (1), closed (0)."""
    POWER = "power"
    """All power away, battery included (0), back (1): what is not in flash is gone."""
    CLOCK = "clock"
    """The device's clock is set wrong by so many seconds."""


class Deed(msgspec.Struct, frozen=True):
    """One stimulus, done now."""

    stimulus: Stimulus
    amount: float = 1.0


class Sign(StrEnum):
    """What a person sees, hears or feels on the device, by lamp, tone, voice or vibration."""

    CALLING = "calling"
    """The call was noticed by the device and is under way."""
    ACCEPTED = "accepted"
    SEEN = "seen"
    HELPING = "helping"
    CLOSED = "closed"
    NO_LINE = "no_line"
    """There is no connection; help cannot be called through it now."""
    BATTERY_LOW = "battery_low"
