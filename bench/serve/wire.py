"""HTTP with as little work as possible, so that hundreds of clients cost less than the server."""

import asyncio
import json


class Connection:
    """One kept-alive connection that posts JSON."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.reader = self.writer = None

    async def post(self, path, body):
        """Returns the status and the body of the answer."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        data = json.dumps(body).encode()
        self.writer.write((f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\n"
                           f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
                           "\r\n").encode() + data)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await self._body(head)
        if "connection: close" in head:
            self.close()
        return int(head.split()[1]), body

    async def _body(self, head):
        for line in head.split("\r\n"):
            if line.startswith("content-length:"):
                return await self.reader.readexactly(int(line.split(":")[1]))
        out = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):  # chunks of a stream
            out += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return out

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None
