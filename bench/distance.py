"""Distance: a TCP relay that lets every byte wait, so that a neighbour seems to stand far away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 256 * 1024


@contextmanager
def far(address: str, milliseconds: float) -> Iterator[str]:
    """Give an address behind which `address` (host:port) answers, one way half of `milliseconds` later.

    Bandwidth is not limited: chunks wait side by side. With 0 the address itself is given.
    """
    if not milliseconds:
        yield address
        return
    host, _, port = address.rpartition(":")
    loop = asyncio.new_event_loop()
    ready: list[int] = []
    begun = threading.Event()

    async def serve() -> None:
        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there = await asyncio.open_connection(host, int(port))
            except OSError:
                writer.close()
                return
            half = milliseconds / 2000
            await asyncio.gather(_carry(reader, there[1], half), _carry(there[0], writer, half))

        server = await asyncio.start_server(meet, "127.0.0.1", 0, limit=4 * CHUNK)
        ready.append(server.sockets[0].getsockname()[1])
        begun.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.run_forever()

    threading.Thread(target=run, daemon=True, name="distance").start()
    begun.wait(10)
    try:
        yield f"127.0.0.1:{ready[0]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Hand on what comes, each part `seconds` after it came."""
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

    async def read() -> None:
        with suppress(OSError):
            while part := await reader.read(CHUNK):
                await parts.put((loop.time() + seconds, part))
        await parts.put((loop.time() + seconds, b""))

    reading = asyncio.create_task(read())
    with suppress(OSError):
        while True:
            due, part = await parts.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not part:
                break
            writer.write(part)
            await writer.drain()
        writer.write_eof()
    await reading
