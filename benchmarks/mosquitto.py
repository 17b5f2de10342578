"""mosquitto as a broker between: persistence as its package has it, its queues wide enough never to be the limit."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.service import free_port

CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_dest none
"""


class Mosquitto(msgspec.Struct, frozen=True):
    port: int
    pid: int


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """Running, its files in `folder`. RuntimeError names Debian's package where it is missing."""
    program = which("mosquitto", "mosquitto")
    port = free_port()
    path = folder / "mosquitto.conf"
    path.write_text(CONFIGURATION.format(port=port, folder=folder), encoding="utf-8")
    folder.chmod(0o777)  # started by root it becomes its own user
    with ended(subprocess.Popen([program, "-c", str(path)], stdin=subprocess.DEVNULL)) as process:
        answers(port, process)
        yield Mosquitto(port, process.pid)


def which(program: str, package: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{program} is missing: apt-get install {package}")
    return found


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """Told to end when the block does, and killed when it does not; its pipes are closed."""
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def answers(port: int, process: "subprocess.Popen[bytes]", seconds: float = 30.0) -> None:
    """Wait until something listens on the port; RuntimeError when the process ends before, or it takes too long."""
    end = time.monotonic() + seconds
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
