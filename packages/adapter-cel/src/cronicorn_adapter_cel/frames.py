"""Messages over a pipe: four bytes of length, then JSON."""

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import orjson

_HEAD: Final = struct.Struct("!I")


def framed(message: Mapping[str, Any]) -> bytes:
    """Return a message as it is sent."""
    told = _written(message)
    return _HEAD.pack(len(told)) + told


async def received(stream: asyncio.StreamReader) -> Any:
    """Wait for the next message. Raises ``IncompleteReadError`` when the other end is gone."""
    (length,) = _HEAD.unpack(await stream.readexactly(_HEAD.size))
    return _read(await stream.readexactly(length))


def taken(stream: BinaryIO) -> Any:
    """Wait for the next message, in a process that does nothing else; None: there are no more."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    return _read(stream.read(_HEAD.unpack(head)[0]))


def _written(message: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(message)
    except TypeError:  # a lone surrogate, which the standard library writes as an escape
        return json.dumps(message, separators=(",", ":")).encode()


def _read(told: bytes) -> Any:
    try:
        return orjson.loads(told)
    except orjson.JSONDecodeError:
        return json.loads(told)
