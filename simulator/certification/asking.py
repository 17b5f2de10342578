"""What may be typed behind `./anju certify`. Apart from what is then done, so that the other commands do not load the suite."""

import argparse  # noqa: TC003 - with its annotations
from pathlib import Path
from typing import Any

from simulator.virtual.profile import ProfileName


class WrongAsked(Exception):  # noqa: N818 - the person's, not a fault
    """What was typed cannot be meant; one line."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    one = commands.add_parser(
        "certify",
        help="examine a device, clause by clause",
        description="The certification suite: it is the device's server, and says of every clause whether the device keeps to it.",
        epilog="Exit 0: every clause that applies passed; 1: one failed or remained open; 2: wrong usage.",
    )
    one.add_argument("--profile", required=True, choices=[name.value for name in ProfileName], metavar="P", help=", ".join(ProfileName))
    who = one.add_mutually_exclusive_group(required=True)
    who.add_argument("--device", metavar="ID", help="a vendor's device, by the id that it is to use")
    who.add_argument("--reference", action="store_true", help="our own virtual device; in virtual time, unless --listen is given")
    one.add_argument("--features", type=Path, metavar="FILE", help="what the vendor states of the device, in TOML")
    where = one.add_mutually_exclusive_group()
    where.add_argument("--listen", metavar="HOST:PORT", help="where the device connects (0.0.0.0:1883; 8883 with TLS); port 0: any")
    where.add_argument("--broker", metavar="URL", help="instead: the device's broker, mqtt(s)://user:password@host:port")
    one.add_argument("--ca", default="", metavar="FILE", help="certificates to trust with --broker mqtts://, instead of the system's")
    one.add_argument("--home", default="330106/bench", metavar="AREA/HOME", help="where the device's topics stand (330106/bench)")
    one.add_argument("--keep", type=Path, metavar="DIR", help="password and authority, made there once: the device is told once")
    one.add_argument("--page", metavar="HOST:PORT", help="what to do at the device also on a page, for a phone; its address is printed")
    one.add_argument("--clause", action="append", default=[], metavar="N", help="this clause alone (A-07); may be given again")
    one.add_argument("--level", type=int, choices=(4, 5), help="MQTT 3.1.1 (4) or 5.0 (5); the first that is stated")
    one.add_argument("--seed", default="1", metavar="S", help="of the virtual device (1)")
    one.add_argument("--out", type=Path, metavar="DIR", help="write the signed report there")
    one.add_argument("--json", action="store_true", help="print the result as JSON")
    one.add_argument("--key", type=Path, metavar="FILE", help="signs the report; made if need be (user's data)")
