"""A real redis-server for tests."""

import asyncio
import socket


class RedisServer:
    """A real redis-server that can be killed and started again on its port."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = None

    async def start(self):
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = await asyncio.create_subprocess_exec("redis-server", *options, stdout=asyncio.subprocess.DEVNULL)

    async def kill(self):
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None
