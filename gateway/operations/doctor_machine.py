"""The machine under the service: program, limits, clock, and the disk, which is asked whether it keeps what it says it keeps."""

import ctypes
import os
import resource
import sqlite3
import stat
import sys
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from gateway.clock import MACHINE, Readings
from gateway.operations.finding import Finding, Findings, fail, ok, warn
from gateway.settings import Settings
from gateway.store.entry import Stamp
from gateway.store.failure import DiskFull, StoreBroken
from gateway.store.journal import Reader
from gateway.store.reserve import MIB

SQLITE_LEAST = (3, 37, 0)
"""The first with STRICT tables."""
KITS = 65_536
SYNCS = 20
SLOW_S, TOO_FAST_S = 0.05, 0.000_02
SYNCED = "fdatasync"

_VOLATILE = frozenset({"tmpfs", "ramfs"})
_FAR = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs"})
_STA_UNSYNC, _TIME_ERROR = 0x40, 5


def machine(settings: Settings) -> Findings:
    yield _program()
    yield _files()
    yield from clock(Path(settings.data))


def _program() -> Finding:
    python, sqlite = sys.version.split()[0], sqlite3.sqlite_version
    said = f"Python {python}, SQLite {sqlite}"
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the place that says so
        return fail("program", f"{said}: Python 3.11 is the least")
    if sqlite3.sqlite_version_info < SQLITE_LEAST:
        return fail("program", f"{said}: SQLite {'.'.join(map(str, SQLITE_LEAST))} is the least")
    return ok("program", said)


def _files() -> Finding:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY or most > KITS:
        return ok("open files", f"{'any number' if most == resource.RLIM_INFINITY else f'{most:,}'} may be open")
    return warn("open files", f"{most:,} may be open, so {most:,} kits at most: raise LimitNOFILE in the unit, or `ulimit -Hn`")


# --- clock -----------------------------------------------------------------------------------------------------------------------


def clock(data: Path, readings: Readings = MACHINE) -> Findings:
    """Against the machine's own idea of it, and against the last commit."""
    yield _synchronized()
    try:
        last = Reader(data).last
    except (StoreBroken, DiskFull, OSError):
        return  # the journal is another finding
    if last is not None:
        yield compared(last.stamp, readings)


def compared(last: Stamp, readings: Readings) -> Finding:
    """The wall clock with that of the last commit, which may lie any time back."""
    wall, since = readings.wall(), readings.wall() - last.wall_at
    if since < -timedelta(seconds=1):
        return fail("clock", f"it is {wall:%Y-%m-%d %H:%M:%S} UTC here, {-since} before the last commit: set the clock, then start again")
    if readings.boot_id() == last.boot_id:
        step = since.total_seconds() - (readings.boottime() - last.boottime)
        if abs(step) > 1:
            return warn("clock", f"it was set by {step:+.0f} s since the last commit: people see other times, no deadline moves")
    return ok("clock", f"{wall:%Y-%m-%d %H:%M:%S} UTC, the last commit {_ago(since)} ago")


def _ago(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _synchronized() -> Finding:
    """What the kernel was told by whoever keeps its clock, adjtimex(2): the same that `timedatectl` shows."""
    timex = (ctypes.c_char * 256)()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    except (OSError, AttributeError):
        state = -1
    if state < 0:
        return warn("time service", "the kernel does not say whether its clock is kept by a time service")
    # struct timex on a 64-bit kernel: modes, then four longs; `status` is the int behind them.
    status = int.from_bytes(bytes(timex)[40:44], sys.byteorder)
    if state == _TIME_ERROR or status & _STA_UNSYNC:
        return warn("time service", "nobody keeps the clock: install chrony, in a county's net with the address of a server of its own")
    return ok("time service", "the clock is kept by one")


# --- disk ------------------------------------------------------------------------------------------------------------------------


def disk(settings: Settings) -> Findings:
    data = Path(settings.data)
    yield _kind(data)
    yield _mode(data)
    yield _room(data, settings)
    yield _syncs(data)


def _kind(data: Path) -> Finding:
    kind, place = filesystem_of(data)
    if kind in _VOLATILE:
        return fail("file system", f"{data} is on {kind} ({place}): it is in memory, and gone with the power")
    if kind in _FAR:
        return fail("file system", f"{data} is on {kind} ({place}): locks and syncs over a network do not hold what they promise")
    if kind == "overlay":
        return warn("file system", f"{data} is on overlay ({place}), inside a container: it goes with it; mount a volume")
    return ok("file system", f"{kind} at {place}")


def filesystem_of(path: Path, mounts: str | None = None) -> tuple[str, str]:
    """Kind and mount point, as /proc/self/mountinfo says (proc(5)); "unknown" where it does not."""
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace") if mounts is None else mounts
    except OSError:
        return "unknown", str(path)
    found = ("unknown", "/")
    resolved = str(path.resolve())
    for line in text.splitlines():
        head, _, tail = line.partition(" - ")
        point = head.split()[4].replace("\\040", " ")
        if (resolved == point or resolved.startswith(point.rstrip("/") + "/")) and len(point) >= len(found[1]):
            found = (tail.split()[0], point)
    return found


def _mode(data: Path) -> Finding:
    found = data.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return fail("folder", f"{data} cannot be read and written by this user: run this as the one that the service runs as")
    if mode & 0o077:
        return warn("folder", f"{data} can be looked into by other users (mode {mode:03o}): chmod 700 {data}")
    return ok("folder", f"{data}, this user's alone")


def _room(data: Path, settings: Settings) -> Finding:
    asked = settings.disk
    found = os.statvfs(data)
    free = found.f_bavail * found.f_frsize
    reserve = data / "reserve"
    held = reserve.stat().st_blocks * 512 if reserve.exists() else 0
    said = f"{free / MIB:,.0f} MiB free, {held / MIB:.0f} MiB kept for calls"
    if free < asked.readings_stop_mib * MIB:
        return fail("room", f"{said}: readings are left with the kits; make room, see `The disk is full` in docs/operations.md")
    if free < asked.warn_mib * MIB:
        return warn("room", f"{said}: under {asked.warn_mib} MiB every page says so")
    if reserve.exists() and held < asked.reserve_mib * MIB:
        return warn("room", f"{said}: some of the reserve was given up, and is taken again when there is room")
    return ok("room", said)


def _syncs(data: Path) -> Finding:
    """What every commit waits for. A disk that answers sooner than any can has not written anything."""
    path = data / f"doctor.{os.getpid()}.new"
    took = []
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for _ in range(SYNCS):
                os.write(handle, bytes(4096))
                began = perf_counter()
                os.fdatasync(handle)
                took.append(perf_counter() - began)
        finally:
            os.close(handle)
    except OSError as problem:
        return fail("sync", f"{data} cannot be written: {problem.strerror}")
    finally:
        path.unlink(missing_ok=True)
    return judged(sorted(took))


def judged(took: list[float]) -> Finding:
    """Of seconds, shortest first."""
    median, worst = took[len(took) // 2], took[-1]
    said = f"{SYNCED} takes {median * 1000:.2f} ms, at worst {worst * 1000:.1f} ms of {len(took)}"
    if median < TOO_FAST_S:
        return warn("sync", f"{said}: no disk is so quick; a cache says yes before it has written, and loses that with the power")
    if median > SLOW_S:
        return warn("sync", f"{said}: every call waits for it; find what else writes to this disk, or give Anju one of its own")
    return ok("sync", said)
