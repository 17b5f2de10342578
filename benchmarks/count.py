"""Counts the distinct reports in a journal whose id begins with a text: `python -m benchmarks.count DATA PREFIX`."""

import sys
from pathlib import Path

from alerting.items import Said
from devices.message import Heard
from gateway.store.journal import Journal


def main() -> None:
    folder, prefix = sys.argv[1:]
    seen: set[str] = set()
    for commit in Journal.reader(Path(folder)).read(0):
        for entry in commit.entries:
            if isinstance(entry, Said) and isinstance(entry.message, Heard) and entry.message.report.id.startswith(prefix):
                seen.add(entry.message.report.id)
    print(len(seen))


if __name__ == "__main__":
    main()
