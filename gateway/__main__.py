"""`./anju`: the commands. Exit 0 good, 1 the thing asked about failed, 2 wrong usage; errors in plain lines on stderr."""

import argparse
import re
import sys
from pathlib import Path
from typing import NoReturn

from config.terminal import Unsaid, ended, readable
from gateway.problem import CommandFailed

MOST_HOMES = 10_000
DOES = {
    "list": "what there is", "add": "a new one", "import": "many at once, from a file", "retire": "out of service; its history stays",
    "credentials": "a name and a password for MQTT, shown once", "shut-out": "its credentials are good no more",
    "swap": "a new device takes the place of an old one, and its history", "password": "a new one; it ends the log-ins",
    "disable": "nobody logs in by this name", "enable": "it may log in again", "suspend": "the certificate holds no more, and why",
}  # fmt: skip


COMMANDS = (
    "up", "test", "serve", "simulate", "certify", "doctor", "home", "device", "person", "user", "rules", "audit", "report", "backup",
    "restore", "certificate",
)  # fmt: skip
"""What people call; the others are started by these."""
_NO_COMMAND = "argument COMMAND: invalid choice: "


class OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        if message.startswith(_NO_COMMAND):
            message = f"{message.partition(' (choose')[0]} (choose from {', '.join(COMMANDS)})"
        self.exit(2, f"anju: error: {message} ({self.prog} --help tells more)\n")


def port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port (1 to 65535)")
    return number


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return number


def month(text: str) -> str:
    if not re.fullmatch(r"(?!000[01]|9999)\d{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text} is not a month (YYYY-MM)")
    return text


def seconds(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 3600")
    return number


def homes(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_HOMES:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {MOST_HOMES}")
    return number


def where(command: argparse.ArgumentParser) -> None:
    """Which service a command is about, and how it answers."""
    one = command.add_mutually_exclusive_group()
    one.add_argument("--config", type=Path, metavar="FILE", help="the settings of `serve`")
    one.add_argument("--data", type=Path, metavar="DIR", help="the data folder, of `up` or `serve`")
    command.add_argument("--json", action="store_true", help="answer in JSON")


def elsewhere(command: argparse.ArgumentParser) -> None:
    """Where the service is, if not here, and in whose name it is asked."""
    command.add_argument("--url", default="", metavar="URL", help="a service elsewhere, with --token")
    command.add_argument("--token", default="", metavar="SECRET", help="env:NAME or file:PATH")
    command.add_argument("--by", default="", metavar="NAME", help="the administrator in whose name it is done (the first)")


def registry(commands: "argparse._SubParsersAction[OneLine]") -> None:
    """`user`, `certificate`, `home` and `device`, each with what can be done to it."""
    user = commands.add_parser("user", help="who may log in: list, add, password, disable, enable")
    does = user.add_subparsers(dest="what", required=True, metavar="WHAT")
    for what in ("list", "add", "password", "disable", "enable"):
        one = does.add_parser(what, help=DOES[what])
        where(one)
        if what != "list":
            one.add_argument("name", metavar="NAME")
        if what == "add":
            one.add_argument("--role", choices=("operator", "admin"), default="operator", help="(operator)")
        if what in ("add", "password"):
            one.add_argument("--password", default="", metavar="SECRET", help="env:NAME or file:PATH; else one is made and shown once")

    certificate = commands.add_parser("certificate", help="certified models: list, add, suspend")
    does = certificate.add_subparsers(dest="what", required=True, metavar="WHAT")
    for what in ("list", "add", "suspend"):
        one = does.add_parser(what, help=DOES[what])
        where(one)
        elsewhere(one)
        if what == "list":
            one.add_argument("--model", default="", metavar="M", help="of this model alone")
        elif what == "add":
            one.add_argument("file", type=Path, metavar="FILE", help="certificate.json of a report, or its HTML, PDF or JUnit file")
        else:
            one.add_argument("id", metavar="ID")
            one.add_argument("--reason", required=True, metavar="TEXT")

    for kind, many, more in (("home", "homes", ()), ("device", "devices", ("credentials", "shut-out", "swap")), ("person", "people", ())):
        thing = commands.add_parser(kind, help=f"the registry's {many}: list, add, import, retire{', ' if more else ''}{', '.join(more)}")
        does = thing.add_subparsers(dest="what", required=True, metavar="WHAT")
        for what in ("list", "add", "import", "retire", *more):
            one = does.add_parser(what, help=DOES[what])
            where(one)
            elsewhere(one)
            _of(kind, what, one)


def rules(commands: "argparse._SubParsersAction[OneLine]") -> None:
    """`rules check`, `rules test` and `rules backtest`."""
    does = commands.add_parser("rules", help="the rules: check, test, backtest").add_subparsers(dest="what", required=True, metavar="WHAT")
    check = does.add_parser("check", help="everything that is wrong with the rules, or with drafts")
    check.add_argument("files", type=Path, nargs="*", metavar="DRAFT", help="drafts, to be laid over the rules (the whole folder)")
    test = does.add_parser("test", help="play the rules' tests")
    test.add_argument("files", type=Path, nargs="*", metavar="FILE", help="files of tests (all that lie beside the rules)")
    test.add_argument("--rules", type=Path, action="append", default=[], metavar="DRAFT", help="a draft laid over the rules")
    back = does.add_parser("backtest", help="what a draft would have raised otherwise, on recorded months")
    back.add_argument("--rules", type=Path, action="append", required=True, metavar="DRAFT", help="laid over the rules that hold")
    back.add_argument("--from", dest="start", default="", metavar="DAY", help="2026-03-02, or a moment (the beginning)")
    back.add_argument("--to", dest="end", default="", metavar="DAY", help="the last day, or a moment (the end)")
    back.add_argument("--recording", type=Path, metavar="FILE", help="JSON lines of reports, instead of the journal")
    back.add_argument("--warm-up", type=int, default=14, metavar="DAYS", help="played before, so that rules have what they learn (14)")
    back.add_argument("--every-rule", action="store_true", help="also play the rules that raise the same on both sides; takes longer")
    back.add_argument("--processes", type=positive, default=2, metavar="N", help="areas are played side by side (2)")
    back.add_argument("--html", type=Path, metavar="FILE", help="a page with a chart as well")
    for one in (check, test, back):
        where(one)
        one.add_argument("--judging", type=Path, metavar="DIR", help="the folder of rules, escalation, dispositions and models")


def audit(commands: "argparse._SubParsersAction[OneLine]") -> None:
    """`audit verify`, `audit erase` and `report`."""
    does = commands.add_parser("audit", help="the evidence: verify, erase").add_subparsers(dest="what", required=True, metavar="WHAT")
    verify = does.add_parser("verify", help="finds any altered, missing or reordered entry; exit 1 if there is one")
    where(verify)
    verify.add_argument("--anchor", action="append", default=[], metavar="DAY=HEX", help="one that was kept elsewhere")
    verify.add_argument("--without-journal", action="store_true", help="the chain alone: faster, and finds less")
    erase = does.add_parser("erase", help="everything that names the people of a retired home, for good")
    where(erase)
    elsewhere(erase)
    erase.add_argument("home", metavar="HOME")
    erase.add_argument("--reason", required=True, metavar="TEXT")

    report = commands.add_parser("report", help="the figures of a month, counted from the evidence")
    where(report)
    report.add_argument("--month", type=month, required=True, metavar="YYYY-MM", help="local time of the service")
    report.add_argument("--pdf", type=Path, metavar="FILE", help="write it as PDF")
    report.add_argument("--xlsx", type=Path, metavar="FILE", help="write it as a workbook")


def _of(kind: str, what: str, one: argparse.ArgumentParser) -> None:
    if what == "import":
        one.add_argument("file", type=Path, metavar="FILE", help="CSV with a head: the names of the options of `add`")
    elif what == "list" and kind == "home":
        one.add_argument("--area", default="")
        one.add_argument("--search", default="", metavar="TEXT", help="part of a name, an address or a telephone number")
    elif what != "list":
        one.add_argument("id", metavar="ID")
    if what == "swap":
        one.add_argument("new", metavar="NEW", help="the id of the one that takes its place")
        one.add_argument("--model", default="", help="of the new one (the old one's)")
    if kind == "device":
        one.add_argument("--home", default="", required=what == "add")
        if what == "add":
            one.add_argument("--model", required=True)
            one.add_argument("--room", default="")
            one.add_argument("--name", default="")
    elif kind == "person":
        one.add_argument("--home", default="", required=what == "add")
        if what == "add":
            one.add_argument("--role", required=True)
            one.add_argument("--name", required=True)
            one.add_argument("--vulnerable", action="store_const", const="yes", default="", help="to be visited every month at least")
            for option in ("phone", "order", "hours", "birth-year", "medical", "speech", "note"):
                one.add_argument(f"--{option}", default="")
    elif what == "add":
        one.add_argument("--area", required=True)
        one.add_argument("--name", required=True)
        for option in ("address", "phone", "access", "note"):
            one.add_argument(f"--{option}", default="")


def parser() -> argparse.ArgumentParser:
    root = OneLine(
        prog="anju",
        description="Anju (安居): home safety for older people who live alone.",
        epilog="Also: anju test (installs what the tests need and runs them), anju simulate SCENARIO (virtual homes against a broker), "
        "anju certify (examines a device), anju certify verify REPORT (checks a signed report).",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="the whole service on this machine, with simulated homes")
    up.add_argument("--homes", type=homes, default=20, metavar="N", help="homes of the demo community (20)")
    up.add_argument("--http", type=port, default=8080, metavar="PORT", help="port of the web console and the API (8080)")
    up.add_argument("--mqtt", type=port, default=1883, metavar="PORT", help="port that kits connect to (1883)")
    up.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="the data folder (./data)")
    up.add_argument("--no-simulator", action="store_true", help="the demo homes are there, and stay still")
    up.add_argument("--seed", type=int, default=1, metavar="S", help="seed of the demo community (1)")
    up.add_argument("--notify", type=Path, metavar="FILE", help="notification channels and targets, as in config/notify.example.toml")
    up.add_argument("--watchdog", type=seconds, default=60, metavar="S", help="seconds between its calls to itself (60); 0: none")
    up.add_argument("--judging", type=Path, metavar="DIR", help="rules, escalation, dispositions and models instead of those in config/")

    serve = commands.add_parser("serve", help="production: no simulator, no demo users")
    serve.add_argument("--config", type=Path, required=True, metavar="FILE", help="as config/serve.example.toml")

    backup = commands.add_parser("backup", help="a consistent copy, also while the service runs")
    backup.add_argument("folder", type=Path, metavar="DIR", help="where backups lie, one folder each; what they share is not copied again")
    where(backup)
    backup.add_argument("--without-history", action="store_true", help="leave out the readings for charts")
    backup.add_argument("--keep", type=positive, default=7, metavar="N", help="backups that stay (7)")

    restore = commands.add_parser("restore", help="a data folder from a backup, verified")
    restore.add_argument("folder", type=Path, metavar="DIR", help="one backup, or the folder of several: then the newest")
    where(restore)
    restore.add_argument("--replace", action="store_true", help="move aside what the data folder holds now")
    restore.add_argument("--old", type=Path, metavar="DIR", help="what is left of the folder before: counts what is lost by it")

    doctor = commands.add_parser("doctor", help="checks broker, stores, clock, disk, certificates, channels; exit 1 if one fails")
    where(doctor)
    doctor.add_argument("--send-test", metavar="TARGET", help="send a message that says it is a test to a target of the escalation")
    doctor.add_argument("--test-channels", action="store_true", help="send a message that says it is a test through every channel")
    doctor.add_argument("--mqtt-user", default="", metavar="NAME", help="a kit's user, for a round trip by MQTT behind its log-in")
    doctor.add_argument("--mqtt-password", default="", metavar="SECRET", help="env:NAME or file:PATH")

    registry(commands)
    rules(commands)
    audit(commands)

    # What `up` and `serve` start and watch.
    for name, sentence in (
        ("alarm", "the alarm process"), ("web", "the web process"), ("telemetry", "the telemetry process"), ("watch", "the watchdog"),
    ):  # fmt: skip
        half = commands.add_parser(name, description=f"{sentence}; started by `up` and `serve`")
        half.add_argument("--settings", type=Path, required=True, metavar="FILE")
        half.add_argument("--watch-stdin", action="store_true", help="end when standard input ends")
        if name == "web":
            half.add_argument("--demo", action="store_true", help="show the demonstration's account on the log-in page")
        elif name == "watch":
            half.add_argument("--began", type=float, default=0.0, metavar="S", help="when the service was started, in seconds of uptime")
    return root


def main(words: list[str] | None = None) -> int:
    readable()
    try:
        try:
            return _run(parser().parse_args(words))
        finally:
            sys.stdout.flush()  # while what becomes of it can still be told
    except Unsaid as unsaid:
        return ended(unsaid)


def _run(asked: argparse.Namespace) -> int:
    try:
        match asked.command:
            case "up":
                from gateway.app import up

                return up(asked)
            case "serve":
                from gateway.app import serve

                return serve(asked.config)
            case "user":
                from gateway.operations.accounts import user

                return user(asked)
            case "home":
                from gateway.operations.registry import home

                return home(asked)
            case "certificate":
                from gateway.operations.certificates import certificate

                return certificate(asked)
            case "device":
                from gateway.operations.registry import device

                return device(asked)
            case "person":
                from gateway.operations.registry import person

                return person(asked)
            case "rules":
                from gateway.rules.commands import rules as rules_

                return rules_(asked)
            case "audit":
                from gateway.operations.evidence import audit as audit_

                return audit_(asked)
            case "report":
                from gateway.operations.evidence import report

                return report(asked)
            case "backup":
                from gateway.operations.commands import backup

                return backup(asked)
            case "doctor":
                from gateway.operations.doctor import doctor

                return doctor(asked)
            case "restore":
                from gateway.operations.commands import restored

                return restored(asked)
            case "alarm":
                from gateway.alarm import run as run_alarm

                return run_alarm(asked.settings, watch_stdin=asked.watch_stdin)
            case "watch":
                from gateway.watch import run as run_watchdog

                return run_watchdog(asked.settings, began=asked.began, watch_stdin=asked.watch_stdin)
            case "telemetry":
                from gateway.telemetry.process import run as run_telemetry

                return run_telemetry(asked.settings, watch_stdin=asked.watch_stdin)
            case _:
                from gateway.console import run as run_web

                return run_web(asked.settings, watch_stdin=asked.watch_stdin, demo=asked.demo)
    except CommandFailed as failed:
        for line in str(failed).splitlines():
            print(f"anju: {line}", file=sys.stderr)  # noqa: T201 - one plain line for each thing that is wrong
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
