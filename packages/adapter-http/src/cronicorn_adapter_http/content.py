"""Takes in the bytes of a body, decompressed as they come, and never more than the cap."""

import zlib

_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_FIRST_BYTE = b"\x1f"
_MEMBERS_MOST = 1024
_RAW_SPARE = 64 * 1024


class BrokenContent(Exception):
    """The body is not what its headers say it is; the message says how."""


class Content:
    """
    A body of which at most ``cap`` bytes are kept.

    A compressed one is decompressed piece by piece, so that a small answer that would fill the
    memory costs no more than the cap. What it is made of is bounded, too: a stream of compressed
    nothing is not read for ever. Encodings other than gzip and deflate are kept as they are, and
    ``unread_encoding`` names them.
    """

    def __init__(self, *, cap: int, encoding: str = "") -> None:
        name = encoding.strip().lower()
        self._cap = cap
        self._parts: list[bytes] = []
        self._size = 0
        self._raw_left = 2 * cap + _RAW_SPARE
        self._inflater = _Inflater(name) if name in _GZIP or name == "deflate" else None
        self.unread_encoding = "" if self._inflater or name == "identity" else name
        self.truncated = False

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return min(self._size, self._cap)

    def feed(self, chunk: bytes) -> None:
        """
        Take in what has arrived; what goes beyond the cap makes the body truncated.

        Raises:
            BrokenContent: it cannot be decompressed. What could be before it is kept.
        """
        # One byte more than the cap is taken: it tells that there was more.
        room = self._cap + 1 - self._size
        if self._inflater is None:
            piece = chunk[:room]
        else:
            piece = self._inflater.inflate(chunk, most=room)
            self._raw_left -= len(chunk)
        self._parts.append(piece)
        self._size += len(piece)
        self.truncated = self._size > self._cap or self._raw_left < 0

    def finish(self) -> None:
        """
        Note that there is no more.

        Raises:
            BrokenContent: a compressed body ends before its own end.
        """
        if self._inflater is not None and self._inflater.in_the_middle:
            raise BrokenContent("the compressed body ends too early")

    def kept(self) -> bytes:
        """Return the first bytes of the body, at most the cap."""
        kept = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return kept[: self._cap]


class _Inflater:
    """Decompresses gzip, of several members too, and deflate, with its wrapper or without."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._stream = zlib.decompressobj()
        self._members = 0
        self.in_the_middle = False

    def inflate(self, data: bytes, *, most: int) -> bytes:
        """Decompress what fits into ``most`` bytes."""
        pieces: list[bytes] = []
        while data and most > 0 and (self.in_the_middle or self._begins(data)):
            try:
                piece = self._stream.decompress(data, most)
            except zlib.error as error:
                raise BrokenContent(f"the body is not {self._encoding}: {error}") from error
            pieces.append(piece)
            most -= len(piece)
            self.in_the_middle = not self._stream.eof
            data = self._stream.unconsumed_tail or self._stream.unused_data
        return b"".join(pieces)

    def _begins(self, data: bytes) -> bool:
        """Begin the first member, or the next; what follows the last is padding."""
        if self._members and (self._encoding == "deflate" or data[:1] != _GZIP_FIRST_BYTE):
            return False
        self._members += 1
        if self._members > _MEMBERS_MOST:
            raise BrokenContent("the body has too many gzip members")
        if self._encoding != "deflate":
            self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        else:
            # Meant is zlib's format, but some send the bare stream; the first byte tells.
            wrapped = data[0] & 0x0F == zlib.DEFLATED
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        return True
