"""Connections, with bounds that uvicorn leaves open: how long somebody may take to ask, how much
they may say meanwhile, and how far ahead of the app their messages are unpacked.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

logger = logging.getLogger(__name__)

HEAD_SECONDS: Final = 10.0
"""How long the head of a request may take, from its connection or its first byte."""
MOST_HEAD: Final = 65_536
"""How many bytes of it are read before it has to be complete."""
MOST_SILENT: Final = 256
"""How many connections may be open that have not asked yet; the oldest goes when one more comes.
A process may hold only so many files, and these cost whoever opens them nothing."""
PIECE: Final = 4_096
"""How many bytes of a socket are unpacked at once: compressed they may hold a thousand times as
much, and at most four frames of the largest size."""
MOST_LATE: Final = 16_384
"""How many bytes of a socket that was closed are looked through for the other side's goodbye."""
LINGER: Final = 1.0
"""For how many seconds one that has not said it can still read why it was closed."""

_silent: dict[Patient, None] = {}


class Patient(HttpToolsProtocol if TYPE_CHECKING else object):  # type: ignore[misc]
    """What HTTP is spoken with, for those who ask within :data:`HEAD_SECONDS`."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: Any) -> None:
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        super().data_received(data)
        if self.transport.get_protocol() is not self or not self._asks():
            self._heard()
            return
        self._wait()
        self._head += len(data)
        if self._head > MOST_HEAD:
            logger.warning("A connection was closed: its request has more than 64 KiB of headers")
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self._heard()
        super().connection_lost(exc)

    def _asks(self) -> bool:
        """Whether what came last was not yet the whole head of a request. The rest of one that
        was answered before it was read is none.
        """
        if self.cycle is None:
            return True
        if isinstance(self, H11Protocol):
            return self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        return self.scope is not self.cycle.scope

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)
            _silent[self] = None
            if len(_silent) > MOST_SILENT:
                next(iter(_silent))._give_up()

    def _heard(self) -> None:
        self._head = 0
        _silent.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._heard()
        self.transport.abort()


class PatientRequests(Patient, AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP by the quickest parser that is installed."""


class PacedSocket(WebSocketsSansIOProtocol):
    """A WebSocket that unpacks no more than the app has asked for, a piece at a time."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._unread = bytearray()
        self._late = 0

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._unread += data
        self._unpack()
        if self._unread and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    async def receive(self) -> Any:
        """The next event of the socket; see ASGI."""
        message = await super().receive()
        self._unpack()
        return message

    async def send(self, message: Any) -> None:
        """Send an event; see ASGI."""
        await super().send(message)
        if self.close_sent:
            # Else uvicorn takes a refusal for an app that has forgotten to answer, and says so.
            self.handshake_complete = True
            self._unpack()

    def _unpack(self) -> None:
        while self._unread and not self.transport.is_closing():
            if self.close_sent:
                # The other side's goodbye comes after all that it sent before ours.
                self._late += min(PIECE, len(self._unread))
                if self._late > MOST_LATE:
                    self._unread.clear()
                    self.transport.pause_reading()
                    self.loop.call_later(LINGER, self.transport.close)
                    return
            elif not self.queue.empty():
                return
            piece = bytes(self._unread[:PIECE])
            del self._unread[:PIECE]
            super().data_received(piece)
