"""A proxy that takes TLS off and passes on what is in it: ``tls_proxy CERTIFICATE PORT TO``."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys


async def main(certificate: str, port: int, to: int) -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            behind, inside = await asyncio.open_connection("127.0.0.1", to)
            await asyncio.gather(_pipe(reader, inside), _pipe(behind, writer))

    server = await asyncio.start_server(passed, "127.0.0.1", port, ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
