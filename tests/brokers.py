"""The brokers that Anju is run against, each as Debian ships it, on a free loopback port, with a folder of its own; they can be killed."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import CLOCK_REALTIME, clock_gettime, monotonic

from tests.patience import PATIENCE_S, STORY_S, TRIES
from tests.service import free_port, until

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/rabbitmq/bin"
MTIME_S = 0.1
"""File times are as coarse as the kernel's ticks."""
USERNAME, PASSWORD = "anju", "brokered"


def program(name: str, package: str) -> str:
    found = shutil.which(name, path=PATH)
    assert found is not None, f"{name} is not installed; on Debian: apt-get install {package}"
    return found


class Server:
    """A broker that anybody may connect to. `kill` is `kill -9`; what it keeps over that is on its disk."""

    name = ""
    mqtt5 = False
    username, password = USERNAME, PASSWORD

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self, seconds: float = STORY_S) -> "Server":
        words, more = self.command()
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                words, env={**os.environ, "PATH": PATH, **more}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until(f"{self.name} listens", self._listens, seconds, pause=0.05)
        except AssertionError as problem:
            self.close()
            raise AssertionError(f"{problem}\n{(self.folder / 'broker.log').read_text()[-3000:]}") from None
        return self

    def save(self) -> None:
        """What was acknowledged is on its disk: so it is from the start, but with mosquitto."""

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_S)
            self._process = None
            until(f"{self.name} is gone", lambda: not self.reachable)

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        self.kill()

    @property
    def ports(self) -> tuple[int, ...]:
        """All that it listens on."""
        return (self.port,)

    @property
    def reachable(self) -> bool:
        """By each of its ports, which open one after the other."""
        for port in self.ports:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Its words, and what its environment needs besides ours."""
        raise NotImplementedError

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} ended:\n{(self.folder / 'broker.log').read_text()[-3000:]}"
        return self.reachable


class Mosquitto(Server):
    """Its persistence as `docs/brokers.md` recommends it; `more` lines are added."""

    name = "mosquitto"
    mqtt5 = True

    def __init__(self, folder: Path, *more: str, listener: tuple[str, ...] = ()) -> None:
        super().__init__(folder)
        self._config = folder / "mosquitto.conf"
        data = folder / "mosquitto"
        data.mkdir(exist_ok=True)
        self._database = data / "mosquitto.db"
        user = ("user root",) if os.geteuid() == 0 else ()
        lines = (
            *user, f"listener {self.port} 127.0.0.1", *listener, "persistence true", f"persistence_location {data}/",
            "autosave_interval 1", "max_queued_messages 0", "max_inflight_messages 0", *more,
        )  # fmt: skip
        if not any(line.startswith("allow_anonymous") for line in more):
            lines += ("allow_anonymous true",)
        self._ports = tuple(int(line.split()[1]) for line in lines if line.startswith("listener "))
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def ports(self) -> tuple[int, ...]:
        return self._ports

    @property
    def saved_at(self) -> float:
        """By the monotonic clock: what it has acknowledged before is on its disk."""
        try:
            age = clock_gettime(CLOCK_REALTIME) - self._database.stat().st_mtime
        except FileNotFoundError:
            return 0.0
        return monotonic() - age - MTIME_S

    def save(self) -> None:
        """Until it has saved what it has acknowledged so far."""
        asked = monotonic()
        until("mosquitto has saved", lambda: self.saved_at > asked, pause=0.1)

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [program("mosquitto", "mosquitto"), "-c", str(self._config)], {}


class Rabbit(Server):
    """RabbitMQ with its MQTT plugin, and an Erlang port mapper of its own, so that several may run."""

    name = "RabbitMQ"
    username, password = "guest", "guest"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._epmd_port = self._dist_port = self._amqp_port = 0
        self._epmd: subprocess.Popen[bytes] | None = None
        (folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")

    def start(self, seconds: float = STORY_S) -> Server:
        """With ports of its own, chosen anew where another process was faster to take one: it starts for seconds before it binds them."""
        tries = TRIES
        while True:
            tries -= 1
            self._dist_port, self._amqp_port = free_port(), free_port()
            (self.folder / "rabbitmq.conf").write_text(
                f"listeners.tcp.1 = 127.0.0.1:{self._amqp_port}\nmqtt.listeners.tcp.1 = 127.0.0.1:{self.port}\n"
                "mqtt.prefetch = 1000\nmqtt.subscription_ttl = 604800000\n",
            )
            if self._epmd is None:
                self._epmd_port = free_port()
                words = [program("epmd", "rabbitmq-server"), "-address", "127.0.0.1", "-port", str(self._epmd_port)]
                self._epmd = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                return super().start(seconds)
            except AssertionError as problem:
                if not tries or not any(word in str(problem) for word in ("already_used", "eaddrinuse")):
                    raise

    def close(self) -> None:
        super().close()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(PATIENCE_S)
            self._epmd = None

    def command(self) -> tuple[list[str], dict[str, str]]:
        folder = str(self.folder)
        program("epmd", "rabbitmq-server")
        server = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # not Debian's wrapper: that insists on the user rabbitmq
        assert server.exists(), "rabbitmq-server is not installed; on Debian: apt-get install rabbitmq-server"
        return [str(server)], {
            "HOME": folder, "ERL_EPMD_PORT": str(self._epmd_port), "RABBITMQ_NODENAME": f"anju{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port), "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia", "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf", "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }  # fmt: skip


class Nats(Server):
    """NATS with JetStream, which its MQTT needs; unacknowledged messages come again after 5 s."""

    name = "NATS"

    def __init__(self, folder: Path, ack_wait: str = "5s") -> None:
        super().__init__(folder)
        (folder / "nats.conf").write_text(
            f'server_name: anju\nlisten: "127.0.0.1:{free_port()}"\n'
            f'jetstream {{ store_dir: "{folder}/jetstream", max_file_store: 512MB, max_memory_store: 64MB }}\n'
            f"max_payload: 5MB\n"
            f'mqtt {{ listen: "127.0.0.1:{self.port}", ack_wait: "{ack_wait}", max_ack_pending: 1000 }}\n',
        )

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [program("nats-server", "nats-server"), "-c", str(self.folder / "nats.conf")], {}


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.close()
