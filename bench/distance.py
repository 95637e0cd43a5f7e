"""Distance: a TCP relay that lets every byte wait, so that a neighbour seems to stand far away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 256 * 1024


@contextmanager
def far(address: str, milliseconds: float) -> Iterator[str]:
    """Give an address behind which `address` (host:port) answers, one way half of `milliseconds` later.

    A process of its own, so that it takes no time from what is measured. Bandwidth is not limited: parts wait side by
    side.
    """
    line = [sys.executable, "-m", "bench.distance", address, str(milliseconds)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        try:
            yield relay.stdout.readline().strip()
        finally:
            relay.kill()


async def _relay(address: str, milliseconds: float) -> None:
    host, _, port = address.rpartition(":")
    half = milliseconds / 2000

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(host, int(port), limit=4 * CHUNK)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, there[1], half), _carry(there[0], writer, half))

    server = await asyncio.start_server(meet, "127.0.0.1", 0, limit=4 * CHUNK)
    print(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


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


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1], float(sys.argv[2])))
