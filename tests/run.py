"""`./anju test`: installs what the tests need and runs all of them. `--long` runs the long ones; other words go to pytest.

Real servers come from Debian's packages. Where they are missing and this user may install them, they are installed; where not, the
tests that need them fail and say which package is wanting. Nothing is skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NODE = BIN.parent / "node"
NIGHT = "tests/proofs/test_county_night.py"
NODE_PACKAGE = "mqtt@5.16.0"
"""Node's MQTT client: a peer that shares nothing with ours."""

PACKAGES = {
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "nats-server": "nats-server",
    "rabbitmq-server": "rabbitmq-server",
    "chromium": "chromium",
    "strace": "strace",
    "faketime": "faketime",
    "openssl": "openssl",
    "systemd-analyze": "systemd",
    "nginx": "nginx-light",
    "node": "nodejs",
    "npm": "npm",
    "victoria-metrics": "victoria-metrics",
    "influxd": "influxdb",
    "promtool": "prometheus",
    "pdftotext": "poppler-utils",
}
FILES = {
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc": "fonts-noto-cjk",  # Chinese on the pages of the browser tests
    "/usr/share/poppler/cMap/Adobe-GB1/UniGB-UCS2-H": "poppler-data",  # and in PDF, which pdftotext only recommends
}
"""Packages without a command of their own."""


def say(sentence: str) -> None:
    print(f"== {sentence}", flush=True)


def which(command: str) -> str | None:
    """Also where Debian keeps servers, which is not on every user's path."""
    return shutil.which(command, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def install_servers() -> None:
    commands = {package for command, package in PACKAGES.items() if which(command) is None}
    missing = sorted(commands | {package for file, package in FILES.items() if not Path(file).exists()})
    if not missing:
        return
    if os.geteuid() != 0 or which("apt-get") is None:
        say(f"missing, and this user cannot install them: {' '.join(missing)}. On Debian: sudo apt-get install {' '.join(missing)}")
        return
    say(f"installing {' '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]):
        done = subprocess.run(words, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            print(done.stdout[-3000:])
            say(f"{' '.join(words[:2])} failed; the tests that need the packages will fail")
            return


NPM_S = 300
"""A registry that cannot be reached lets npm wait for ever."""


def install_node_client() -> None:
    """Beside the virtual environment; a plain loopback tool, no part of the product."""
    if (NODE / "node_modules" / "mqtt" / "package.json").exists() or which("npm") is None:
        return
    say(f"installing {NODE_PACKAGE} for Node")
    NODE.mkdir(parents=True, exist_ok=True)
    words = ["npm", "install", "--prefix", str(NODE), "--no-audit", "--no-fund", "--loglevel=error", NODE_PACKAGE]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=NPM_S)
        failed, said = done.returncode != 0, done.stdout
    except subprocess.TimeoutExpired:
        failed, said = True, f"nothing within {NPM_S} s"
    if failed:
        print(said[-2000:])
        say("npm failed; the tests with Node's client will fail")


def step(name: str, *words: str) -> bool:
    say(name)
    began = monotonic()
    code = subprocess.run(words, cwd=ROOT, check=False).returncode
    say(f"{name}: {'good' if code == 0 else f'FAILED ({code})'} after {monotonic() - began:.0f} s")
    return code == 0


def main() -> int:
    words = sys.argv[1:]
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    install_servers()
    install_node_client()
    pytest = [sys.executable, "-m", "pytest", "-q"]
    if "--long" in words:
        words.remove("--long")
        # Properties are searched with fresh examples, which the ordinary run does not: it must not be red by chance.
        which_ones = ["-m", "long or hypothesis", "--hypothesis-profile", "searching", "--timeout", "7200"]
        return 0 if step("long tests", *pytest, *which_ones, *(words or ["tests"])) else 1
    if words:
        return 0 if step("chosen tests", *pytest, "-m", "not long", *words) else 1
    good = [
        step("ruff", str(BIN / "ruff"), "check", "--no-cache", "."),
        step("mypy", str(BIN / "mypy"), "--no-error-summary"),
        step("import contracts", str(BIN / "lint-imports"), "--no-cache"),
        # Three for two cores: much of it waits for a service, a broker or a browser.
        step("tests", *pytest, "-m", "not long", "-n", "3", "--dist", "loadfile", "tests", "--ignore", "tests/proofs"),
        step("proofs", *pytest, "-m", "not long", "-n", "2", "--dist", "loadfile", "tests/proofs", "--ignore", NIGHT),
        # What wants the machine for itself.
        step("the county's night", *pytest, "-m", "not long", NIGHT),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
