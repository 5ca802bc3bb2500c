"""A hasher that takes no time, for tests and embedding: what it keeps is soon guessed."""

import hashlib
import hmac
import secrets
from typing import Final

_SALT_BYTES: Final = 16


class QuickPasswordHasher:
    """Salted SHA-256, once: never for passwords of real people."""

    async def hash(self, password: str) -> str:
        """Return a new hash of a password."""
        return _hashed(password, secrets.token_hex(_SALT_BYTES))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Say whether the password is behind the hash."""
        salt = (hashed or "").partition("$")[0]
        expected = _hashed(password, salt).encode()
        return hmac.compare_digest(expected, (hashed or "").encode("utf-8", "replace"))

    def is_outdated(self, hashed: str) -> bool:
        """Say no: there is but one way to make a hash."""
        del hashed
        return False


def _hashed(password: str, salt: str) -> str:
    text = f"{salt}${password}".encode("utf-8", "surrogatepass")
    return f"{salt}${hashlib.sha256(text).hexdigest()}"
