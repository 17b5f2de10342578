"""What a power cut would have left: a disk rebuilt from the system calls of a real process, as strace saw them.

A write counts only once a sync of its file, begun after the write had returned, has returned itself; the creation, renaming or removal
of a name only once its folder was synced. Of everything else a power cut takes all, or, being a power cut, a part at random.
`-shm` files are left out: SQLite makes them anew. A plain `write` is taken to go on where the last one to that file ended.
"""

import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

CALLS = "openat,pwrite64,write,writev,sendto,sendmsg,fdatasync,fsync,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat"
SECTOR = 512

_LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>)?(.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"^(?:\w+\()?(\d+)<([^>]*)>")
_RESULT = re.compile(r"\) += (-?\d+)")


class Call(msgspec.Struct):
    """One system call, seen when it begins (`done` is False) and when it returns. `target` is the file or socket behind its handle."""

    name: str
    handle: int
    target: str
    texts: list[bytes]
    numbers: list[int]
    result: int
    done: bool
    process: int


def strace(command: Sequence[str], log: Path) -> list[str]:
    """The command line that runs `command` and leaves its system calls in `log`."""
    return ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log), *command]


def calls(log: Path) -> Iterator[Call]:
    """Beginnings and ends in the order in which they happened; a call that was seen in one piece gives both at once."""
    begun: dict[int, str] = {}
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = _LINE.match(line.rstrip("\n"))
            if match is None:
                continue
            process, resumed, rest = int(match[1]), match[2], match[3]
            if resumed:
                whole = begun.pop(process, "") + rest
                yield from _call(process, whole, (True,))
            elif rest.endswith("<unfinished ...>"):
                begun[process] = rest.removesuffix("<unfinished ...>")
                yield from _call(process, begun[process], (False,))
            else:
                yield from _call(process, rest, (False, True))


def _call(process: int, text: str, ends: tuple[bool, ...]) -> Iterator[Call]:
    name = text.partition("(")[0]
    if name not in CALLS:
        return
    texts = [bytes.fromhex(t.replace("\\x", "")) for t in _TEXT.findall(text)]
    handle = _FD.match(text)
    target = _plain(handle[2]) if handle else ""
    bare = _TEXT.sub('""', text)
    result = _RESULT.search(bare)
    arguments = bare.partition("(")[2].rpartition(")")[0]
    numbers = [int(word) for word in arguments.split(",")[1:] if word.strip().lstrip("-").isdigit()]
    if name == "openat":
        numbers = [int("O_CREAT" in bare), int("O_TRUNC" in bare)]
    for done in ends:
        value = int(result[1]) if done and result else 0
        yield Call(name, int(handle[1]) if handle else -1, target, texts, numbers, value, done, process)


def _plain(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path


class _File:
    """An inode: what is on disk, and what was asked for since, in order."""

    def __init__(self) -> None:
        self.disk = bytearray()
        self.asked: list[tuple[int, bytes] | int] = []
        """(offset, data), or a new size."""
        self.size = 0

    def ask(self, change: tuple[int, bytes] | int) -> None:
        self.asked.append(change)
        self.size = change if isinstance(change, int) else max(self.size, change[0] + len(change[1]))

    def settle(self, most: int) -> None:
        for change in self.asked[:most]:
            _put(self.disk, change)
        del self.asked[:most]


def _put(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        content.extend(bytes(change - len(content)))
    else:
        at, data = change
        content.extend(bytes(max(at - len(content), 0)))
        content[at : at + len(data)] = data


class Disk:
    """The files under `root`, as the processes see them (`_names`) and as a power cut would find them."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._names: dict[str, _File] = {}
        self._kept: dict[str, _File] = {}
        self._changed: dict[str, list[tuple[str, _File | None]]] = {}
        """Per folder: names that were given or taken away since its last sync."""
        self._syncing: dict[int, tuple[_File, int] | tuple[str, int]] = {}

    def see(self, call: Call) -> None:
        """Take note of a call; of those that concern other places nothing is kept."""
        if call.name in ("fdatasync", "fsync"):
            self._sync(call)
        elif call.done and call.result >= 0:
            self._change(call)

    def _ours(self, path: str) -> bool:
        return path.startswith(self._root + "/") and not path.endswith(("-shm", "/lock", "/reserve"))

    def _change(self, call: Call) -> None:
        paths = [text.decode("utf-8", "replace") for text in call.texts] if not call.target or call.handle < 0 else []
        if call.name == "openat":
            create, truncate = call.numbers
            path = call.texts[0].decode() if call.texts else ""
            if self._ours(path):
                if create and path not in self._names:
                    self._name(path, _File())
                elif truncate and path in self._names:
                    self._names[path].ask(0)
        elif call.name.startswith("rename") and len(paths) == 2:
            if self._ours(paths[1]) and paths[0] in self._names:
                self._name(paths[1], self._names[paths[0]])
                self._name(paths[0], None)
        elif call.name.startswith("unlink") and paths:
            if paths[0] in self._names:
                self._name(paths[0], None)
        elif call.target in self._names:
            file = self._names[call.target]
            if call.name == "pwrite64":
                file.ask((call.numbers[-1], call.texts[0][: call.result]))
            elif call.name in ("write", "writev"):
                file.ask((file.size, b"".join(call.texts)[: call.result]))
            elif call.name == "ftruncate":
                file.ask(call.numbers[0])
            elif call.name == "fallocate":
                file.ask(max(file.size, sum(call.numbers[-2:])))

    def _name(self, path: str, file: _File | None) -> None:
        if file is None:
            self._names.pop(path, None)
        else:
            self._names[path] = file
        self._changed.setdefault(path.rpartition("/")[0], []).append((path, file))

    def _sync(self, call: Call) -> None:
        if not call.done:
            if call.target in self._names:
                file = self._names[call.target]
                self._syncing[call.process] = (file, len(file.asked))
            elif call.target in self._changed:
                self._syncing[call.process] = (call.target, len(self._changed[call.target]))
            return
        what = self._syncing.pop(call.process, None)
        if what is None or call.result < 0:
            return
        place, most = what
        if isinstance(place, _File):
            place.settle(most)
            return
        for path, kept in self._changed[place][:most]:
            _keep(self._kept, path, kept)
        del self._changed[place][:most]

    def after_power_cut(self, folder: Path, dice: random.Random | None = None) -> None:
        """Write to `folder` what is left. With `dice`, of what was not synced a part at random, down to the sector."""
        names = dict(self._kept)
        for changes in self._changed.values():
            for path, file in changes[: dice.randint(0, len(changes)) if dice else 0]:
                _keep(names, path, file)
        for path, found in names.items():
            content = bytearray(found.disk)
            for change in found.asked if dice else []:
                assert dice is not None
                if isinstance(change, int):
                    if dice.random() < 0.5:
                        _put(content, change)
                    continue
                at, data = change
                for piece in range(0, len(data), SECTOR):
                    if dice.random() < 0.5:
                        _put(content, (at + piece, data[piece : piece + SECTOR]))
            copy = folder / path[len(self._root) + 1 :]
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


def _keep(names: dict[str, _File], path: str, file: _File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


def run(command: Sequence[str], log: Path) -> None:
    """Run `command` under strace to its end, and let it succeed."""
    subprocess.run(strace(command, log), check=True, stdout=subprocess.DEVNULL)
