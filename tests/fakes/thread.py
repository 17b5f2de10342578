"""A fake provider on a port of its own, in a thread, for tests of the whole service."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.notices import Behaviour, receiver
from tests.patience import PATIENCE_S


@contextmanager
def served(behaviour: Behaviour) -> Iterator[str]:
    """Its address, for as long as the block lasts."""
    ready, ports = threading.Event(), list[int]()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        async with receiver(behaviour) as heard:
            ports.append(heard.port)
            ready.set()
            await stopping.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="fake", daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S), "the fake does not start"
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(PATIENCE_S)
        loop.close()
