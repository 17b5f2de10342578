"""An end to a server of asyncio that loses no connection on the way."""

import asyncio


async def accept_no_more(server: asyncio.Server) -> None:
    """To be awaited before `close`: what was accepted in this very turn of the loop gets its transport while there is a server for it.

    Python 3.11 accepts a connection in one turn and makes its transport in the next. A `close` between the two leaves a socket
    that nobody knows and nobody closes (`asyncio.Server._attach` refuses it). Loops of other makes are not affected, and not harmed.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)
