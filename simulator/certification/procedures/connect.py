"""C: connect and secure."""

from datetime import timedelta

from simulator.certification.bench import Bench, Procedure
from simulator.certification.trace import Broke

WATCHED = timedelta(seconds=30)


def connects(bench: Bench) -> Procedure:
    found = yield from bench.until(lambda: bench.endpoint.current, timedelta(minutes=3))
    if found is None:
        tries = bench.trace.connects(bench.mark)
        if tries:
            return bench.failed("设备的连接请求没有被接受", "the device's CONNECT could not be accepted", [entry for entry, _ in tries])
        return bench.failed("设备没有发来 CONNECT", "no CONNECT came", bench.trace.opened(bench.mark))
    yield from bench.sleep(WATCHED)
    broke = [entry for entry in bench.trace.span(bench.mark) if isinstance(entry, Broke)]
    if broke:
        return bench.failed(f"设备违反了协议：{broke[0].reason}", f"the device broke the protocol: {broke[0].reason}", broke)
    return bench.passed([entry for entry, _ in bench.trace.connects(bench.mark)])
