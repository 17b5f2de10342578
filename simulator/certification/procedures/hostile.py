"""R: robustness against a hostile server. Whatever a server says, the device comes back, and its alarm with it."""

from datetime import timedelta

from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures.parts import MINUTE, SHORT


def malformed_packet_does_no_harm(bench: Bench) -> Procedure:
    bench.endpoint.say_raw(b"\xf7\xff\xff\xff\xff\xff\x00", "a packet of no kind and without an end", bench.now)
    yield from bench.sleep(SHORT)
    cut = bench.trace.mark
    bench.cut()
    if not (yield from bench.settled(bench.features.connection.reconnects_within + MINUTE)):
        if not bench.trace.connects(cut) and bench.trace.closed(cut):
            return bench.named_elsewhere("C-08", bench.trace.closed(cut))
        return bench.failed("收到畸形报文后不再连接", "after a malformed packet it did not come back", bench.trace.opened(bench.mark))
    since = yield from bench.do(bench.event.deed)
    prop = bench.event.prop
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is True), timedelta(minutes=1))
    if bench.event.undoing is not None:
        yield from bench.do(bench.event.undoing)
    if not said:
        return bench.failed("收到畸形报文后不再上报", "after a malformed packet it reported nothing more", bench.trace.opened(bench.mark))
    return bench.passed(said[:1])
