"""Over which version of something a form was typed."""

from hashlib import sha256
from typing import Final

_LENGTH: Final = 24


def version_of(*members: object) -> str:
    """
    Name the version of something by what a form of it edits, in a word.

    It is another one only when one of these members is: whoever pauses what somebody else edits
    keeps nobody from saving. Members are written by ``repr``, so a set has to be sorted first.
    """
    return sha256(repr(members).encode()).hexdigest()[:_LENGTH]
