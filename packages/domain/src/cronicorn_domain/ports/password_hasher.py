"""Hashes passwords, so that whoever reads the store does not learn them."""

from typing import Protocol


class PasswordHasher(Protocol):
    """
    Makes hashes that are slow on purpose, and tells whether a password is behind one.

    Promises:

    - A hash holds its salt and its cost, so that it can be told with other settings than it was
      made with; two hashes of one password differ.
    - The event loop is not held up, however slow it is.
    - Comparisons take a time that does not tell how much agrees.
    """

    async def hash(self, password: str) -> str:
        """Return a new hash of a password; any text is one."""
        ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """
        Say whether the password is behind the hash; a text that is no hash has none behind it.

        None stands for an account that does not exist: the answer is no, and takes as long as one
        about an account that does.
        """
        ...

    def is_outdated(self, hashed: str) -> bool:
        """Say whether a new hash of the same password would be a better one."""
        ...
