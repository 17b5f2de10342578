"""The least that a report costs in one process without anything around it: cut out of its bytes, and read as JSON into typed fields.

Of the best of several passes over one batch, as other programs on the machine only ever add.
"""

from collections.abc import Callable
from time import perf_counter, time

import msgspec

from benchmarks import bare, reports

BATCH = 3000


class _Wire(msgspec.Struct):
    id: str
    at: str
    values: dict[str, bool | float]


class Floor(msgspec.Struct, frozen=True):
    """Microseconds a report."""

    cut_us: float
    json_us: float


def measure(passes: int = 30) -> Floor:
    sources = reports.sources(BATCH // 3, "P")
    packets = [s.packet % (b"\0\1", n, reports.moment(time()), 60 + n % 30) for n, s in enumerate(sources)]
    payloads = [packet[len(packet) - source.payload_bytes :] for packet, source in zip(packets, sources, strict=True)]
    text = b"".join(packets)
    decoder = msgspec.json.Decoder(_Wire)

    def cut() -> None:
        bare.take(text)

    def decode() -> None:
        for payload in payloads:
            decoder.decode(payload)

    return Floor(_best(cut, passes) / len(packets) * 1e6, _best(decode, passes) / len(packets) * 1e6)


def _best(work: Callable[[], None], passes: int) -> float:
    best = float("inf")
    for _ in range(passes):
        began = perf_counter()
        work()
        best = min(best, perf_counter() - began)
    return best
