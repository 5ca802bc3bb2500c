"""Hashes passwords with Argon2id, off the event loop and not too many at once."""

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

AT_ONCE: Final = 2
"""So many hashes are made at once: each takes 19 MiB, and a processor for some 50 ms."""
_RANDOM_BYTES: Final = 16


class Argon2PasswordHasher:
    """
    Argon2id with what OWASP recommends: 19 MiB, two passes, one lane.

    Whoever asks while others are hashed waits in turn.
    """

    def __init__(
        self, *, memory_kib: int = 19_456, passes: int = 2, lanes: int = 1, at_once: int = AT_ONCE
    ) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        self._turns = asyncio.Semaphore(at_once)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """Return a new hash of a password."""
        async with self._turns:
            return await asyncio.to_thread(self._argon2.hash, _bytes(password))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Say whether the password is behind the hash."""
        if hashed is None:
            await self._verify(password, await self._hash_of_nobody())
            return False
        return await self._verify(password, hashed)

    def is_outdated(self, hashed: str) -> bool:
        """Say whether a new hash would be made at another cost."""
        try:
            return self._argon2.check_needs_rehash(hashed)
        except InvalidHashError:
            return True

    async def _verify(self, password: str, hashed: str) -> bool:
        async with self._turns:
            try:
                return await asyncio.to_thread(self._argon2.verify, hashed, _bytes(password))
            except (Argon2Error, InvalidHashError, UnicodeEncodeError):
                return False

    async def _hash_of_nobody(self) -> str:
        """Return a hash, made once, behind which there is a password that nobody knows."""
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_hex(_RANDOM_BYTES))
        return self._nobodys


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
