"""To which trace a request belongs: W3C's trace context, as far as it is handed on."""

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<id>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED: Final = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """
    A trace that a caller is in, and the caller's span in it: both hexadecimal, 32 and 16 digits.

    ``sampled``: whoever began it keeps what belongs to it.
    """

    id: str
    span: str
    sampled: bool = True

    @classmethod
    def parse(cls, text: str | None) -> "Trace | None":
        """Read a ``traceparent``; None: there is none that is well-formed, and nothing is lost."""
        found = None if text is None else _FORM.fullmatch(text.strip())
        if found is None or (found["more"] and text is not None and text.startswith("00")):
            return None
        return cls(
            id=found["id"], span=found["span"], sampled=bool(int(found["flags"], 16) & _SAMPLED)
        )

    def __str__(self) -> str:
        """Write it as a ``traceparent``, of which the caller's span is the parent."""
        return f"00-{self.id}-{self.span}-{self.sampled:02x}"

    def below(self, span: str) -> "Trace":
        """Return the same trace for who is called, with our span as the parent."""
        return Trace(id=self.id, span=span, sampled=self.sampled)
