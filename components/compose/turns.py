"""The services of a project that stay as they are, which the engine looks at one by one. No Pulumi here."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress


class Turns:
    """Whose turn it is.

    The engine looks at one container after the other. With turns, one that changes, which is known later, comes next
    and not after all that stay. Of these nothing is made or removed: their order decides nothing.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    async def take(self, looked_at: Awaitable[object]) -> None:
        """Waits for the turn, which ends once `looked_at` is over."""
        await self._lock.acquire()
        ending = asyncio.create_task(self._end(looked_at))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end(self, looked_at: Awaitable[object]) -> None:
        # If that fails the run does, and this says nothing of it.
        with suppress(Exception):
            await looked_at
        self._lock.release()
