"""Puts reports into the journal of a data folder that nobody uses: `python -m benchmarks.fill DATA HOMES COUNT`.

They are the load's own reports, decoded as they would be, a hundred a commit as under load, committed by the journal's own code. Only
nobody judges them, and no snapshot is written: whoever starts on that folder has to fold them all.
"""

import sys
from pathlib import Path

from alerting.items import Said
from benchmarks import reports
from devices.decode import decode
from devices.message import Heard
from gateway.clock import Clock
from gateway.store.entry import Entry, encode
from gateway.store.journal import Journal

TO_A_COMMIT = 100
PER_SECOND = 2000
LETTER = "F"


def main() -> None:
    data, homes, count = sys.argv[1:]
    fill(Path(data), int(homes), int(count))


def fill(data: Path, homes: int, count: int) -> None:
    sources = reports.sources(homes, LETTER)
    journal = Journal.open(data)
    clock = Clock(journal.last_stamp)
    try:
        entries: list[Entry] = []
        for number in range(count):
            source = sources[number % len(sources)]
            now = clock.now()
            at = reports.moment(now.timestamp() - (count - number) / PER_SECOND)
            packet = source.packet % (b"\0\0", number, at, 60 + number % 30)
            payload = packet[len(packet) - source.payload_bytes :]
            message = decode(source.topic, payload, now)
            assert isinstance(message, Heard), message
            entries.append(Said(message, source.topic, payload))
            if len(entries) == TO_A_COMMIT or number == count - 1:
                journal.commit(clock.stamp(), encode(entries), len(entries))
                entries = []
    finally:
        journal.close()


if __name__ == "__main__":
    main()
