"""What happened in a world, line by line, for people to read and for runs to be compared by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import iso_milliseconds


@dataclass(frozen=True, slots=True)
class Line:
    """One event: when, about which endpoint (None: about more than one), and a sentence."""

    at: datetime
    endpoint_id: EndpointId | None
    sentence: str

    def __str__(self) -> str:
        return f"{iso_milliseconds(self.at)}  {self.sentence}"


class Trace:
    """The lines of a world, in order."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def tell(self, at: datetime, endpoint_id: EndpointId | None, sentence: str) -> None:
        """Add a line."""
        self._lines.append(Line(at, endpoint_id, sentence))

    def about(self, endpoint_id: EndpointId) -> Iterator[Line]:
        """Return the lines that an endpoint's story is made of."""
        return (line for line in self if line.endpoint_id in {endpoint_id, None})

    def digest(self) -> str:
        """Return a hash of all lines: equal worlds have equal ones."""
        text = "\n".join(map(str, self._lines))
        return blake2b(text.encode(), digest_size=16).hexdigest()
