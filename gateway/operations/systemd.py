"""What systemd is told, as sd_notify(3) has it: a datagram of lines to the socket that `NOTIFY_SOCKET` names; nothing without one."""

import socket
from collections.abc import Mapping


def notify(environment: Mapping[str, str], **said: str) -> bool:
    """`notify(os.environ, READY="1")`; whether somebody heard it. A supervisor that does not listen costs nothing."""
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]  # a name in the abstract space of unix(7)
    body = "\n".join(f"{name}={' '.join(value.split())}" for name, value in said.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as line:
            line.sendto(body.encode(), address)
    except OSError:
        return False
    return True


def watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    """How often systemd wants to hear `WATCHDOG=1`, at least: half of `WATCHDOG_USEC`; None when it is not this process that it watches."""
    asked, whom = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not asked.isdigit() or int(asked) == 0 or (whom and whom != str(pid)):
        return None
    return int(asked) / 2_000_000
