"""A mail server on loopback, which may also hang, refuse or put off what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import email
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

Answer = Callable[[str], bytes | None]
"""The answer to a command, in place of the usual one; ``None`` where the usual one is right, empty for none at all."""


def usual(_command: str) -> bytes | None:
    """A server without any trouble."""
    return None


@dataclass
class Received:
    """One mail that the server has accepted."""

    sender: str
    to: list[str]
    raw: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def mail(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=default)


class SmtpServer:
    """Serves on a port of 127.0.0.1, from a thread of its own, as long as the block lasts.

    The verb of a command is in capital letters, as in ``RCPT TO:<root>``.

    ``answer`` may be replaced at any moment. It is asked for ``CONNECT`` when a client has connected, and for ``.``
    when a mail is complete. ``commands`` are all that came.
    """

    def __init__(self, port: int = 0) -> None:
        self.answer: Answer = usual
        self.received: list[Received] = []
        self.commands: list[str] = []
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SmtpServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, to = "", list[str]()
        if not await self._reply(writer, "CONNECT", b"220 test"):
            return
        while line := (await reader.readline()).decode().strip():
            verb, colon, rest = line.partition(":")
            verb = verb.upper()
            line = f"{verb}{colon}{rest}"
            if verb == "DATA":
                if await self._reply(writer, line, b"354 go on"):
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    if await self._reply(writer, ".", b"250 taken"):
                        self.received.append(Received(sender, to, raw[:-3].replace(b"\r\n..", b"\r\n.")))
                continue
            if verb.startswith("EHLO"):
                await self._reply(writer, line, b"250-test\r\n250 8BITMIME")
                continue
            ok = await self._reply(writer, line, b"221 bye" if verb == "QUIT" else b"250 ok")
            if verb == "QUIT":
                return
            if verb == "MAIL FROM":
                sender, to = line.partition("<")[2].partition(">")[0], []
            elif verb == "RCPT TO" and ok:
                to.append(line.partition("<")[2].partition(">")[0])

    async def _reply(self, writer: asyncio.StreamWriter, command: str, text: bytes) -> bool:
        """Answer, and return whether the answer was a good one."""
        self.commands.append(command)
        other = self.answer(command)
        if other == b"":
            await asyncio.sleep(3600)
        writer.write((text if other is None else other) + b"\r\n")
        await writer.drain()
        return other is None
