"""Turns the bytes of an answer into a body that any store can hold."""

import codecs
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import orjson
from cronicorn_domain.model.run import Body, BodyKind

from cronicorn_adapter_http.readable import REPLACEMENT, storable

NESTING_MOST = 64
"""How deep JSON may be nested and still be kept as JSON."""

CHARSETS = frozenset(
    {"ascii", "us-ascii", "latin1", "latin-1", "utf8", "utf-8", "utf-16", "utf-16be", "utf-16le"}
    | {"utf-32", "utf-32be", "utf-32le", "big5", "big5hkscs", "cp932", "cp949", "euc-jp", "euc-kr"}
    | {"gb18030", "gb2312", "gbk", "iso-2022-jp", "iso-2022-kr", "koi8-r", "koi8-u", "macintosh"}
    | {"shift-jis", "shift_jis", "tis-620", "cp437", "cp850", "cp866", "cp874"}
    | {f"iso-8859-{part}" for part in (*range(1, 12), *range(13, 17))}
    | {f"{family}{page}" for family in ("cp", "windows-") for page in range(1250, 1259)}
)
"""
The charsets that are honoured.

Not all that Python knows: some of its codecs take quadratic time, and it remembers every unknown
name it was ever asked for.
"""

_TYPE_LENGTH = 200
_MEDIA_TYPE = re.compile(r"\s*([\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100})\s*(?:;|$)", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_JSON_TYPES = re.compile(r"(application|text)/json|[^/]*/.*\+json")
_TEXT_TYPES = re.compile(
    r"text/.*|[^/]*/.*\+(xml|yaml)|application/"
    r"(xml|xml-dtd|javascript|ecmascript|x-javascript|x-www-form-urlencoded|x-ndjson|ndjson|yaml)"
)
_BINARY_TYPES = re.compile(r"(image|audio|video|font)/.*|application/(octet-stream|pdf|zip|gzip)")
_LOOKS_LIKE_JSON = re.compile(rb"[\s\xef\xbb\xbf]*[\[{]")
_LONG_NUMBER = re.compile("[0-9]{19}")
"""An integer that orjson would read as a float, and so lose digits of, has at least as many."""
_NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def body_of(
    data: bytes,
    *,
    content_type: str = "",
    encoding: str = "",
    truncated: bool = False,
    whole: bool = True,
) -> Body:
    """
    Build a body from the bytes that were kept of it.

    JSON is kept as JSON, written anew without blanks, when its type says so (or nothing is said and
    it looks it), all of it is there and it is strict. Otherwise it is text: NaN, an infinity or a
    number beyond all floats (1e999) is no JSON to most stores and readers, and whatever replaced it
    would be a claim that the target never made; with more than 64 levels, or integers of thousands
    of digits, readers fail at limits of their own.

    Args:
        data: What was kept.
        content_type: The header's value, as it came.
        encoding: A content encoding that could not be undone, which makes it binary.
        truncated: There was more than was kept.
        whole: It did not break off.
    """
    if not data:
        return Body(truncated=truncated)
    kind = _read_type(content_type) if len(content_type) <= _TYPE_LENGTH else _UNKNOWN
    if encoding or (not kind.is_text and (kind.is_binary or not _reads_as_text(data))):
        return Body(
            kind=BodyKind.BINARY,
            text=_note(kind.media_type, encoding, len(data), truncated=truncated),
            truncated=truncated,
        )
    complete = whole and not truncated
    text = _decoded(data, kind.charset, complete=complete)
    is_json = kind.is_json or (not kind.media_type and _LOOKS_LIKE_JSON.match(data) is not None)
    if complete and is_json and (strict := _strict_json(text)) is not None:
        return Body(kind=BodyKind.JSON, text=strict)
    return Body(kind=BodyKind.TEXT, text=storable(text), truncated=truncated)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ContentType:
    """What a content type says; it may say nothing."""

    media_type: str = ""
    charset: str = "utf-8"
    is_json: bool = False
    is_text: bool = False
    is_binary: bool = False


@lru_cache(maxsize=512)
def _read_type(content_type: str) -> _ContentType:
    """Read a content type; there are few, and each comes back with every run."""
    found = _MEDIA_TYPE.match(content_type)
    media_type = found[1].lower() if found else ""
    named = _CHARSET.search(content_type)
    charset = named[1].lower() if named else ""
    is_json = _JSON_TYPES.fullmatch(media_type) is not None
    is_text = is_json or _TEXT_TYPES.fullmatch(media_type) is not None
    return _ContentType(
        media_type=media_type,
        charset=charset if charset in CHARSETS else "utf-8",
        is_json=is_json,
        is_text=is_text,
        is_binary=not is_text and _BINARY_TYPES.fullmatch(media_type) is not None,
    )


def _reads_as_text(data: bytes) -> bool:
    """Where a type says little, text is what is UTF-8 without NUL, as far as it goes."""
    if b"\0" in data:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, charset: str, *, complete: bool) -> str:
    """Decode, with bad bytes replaced; half a character at a cut is dropped."""
    if complete:
        text = data.decode(charset, "replace")
    else:
        try:
            text = codecs.getincrementaldecoder(charset)(errors="replace").decode(data)
        except UnicodeError:  # UTF-16 and UTF-32 without a mark of their byte order
            text = data.decode(charset, "replace")
    return text.removeprefix("\ufeff")


def _strict_json(text: str) -> str | None:
    """Write JSON anew without what stores refuse; None if it is not to be kept as JSON."""
    try:
        written = _written_fast(text) or _written_exactly(text)
    except (ValueError, RecursionError):
        return None
    if written is None:
        return None
    if "\\u0000" in written:
        written = _NUL_ESCAPE.sub(rf"\1{REPLACEMENT}", written)
    return storable(written)


def _written_fast(text: str) -> str | None:
    """Write ordinary JSON anew; None for what takes a closer look."""
    if _LONG_NUMBER.search(text):
        return None
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return orjson.dumps(value).decode() if _is_shallow(text, value) else None


def _written_exactly(text: str) -> str | None:
    """
    Write any JSON anew; None if it is nested too deep.

    Raises:
        ValueError: it is no JSON, or holds what is none to others.
        RecursionError: it is nested deeper than can be read.
    """
    value = STRICT_JSON.decode(text)
    return _ENCODER.encode(value) if _is_shallow(text, value) else None


def _is_shallow(text: str, value: object) -> bool:
    if text.count("[") + text.count("{") <= NESTING_MOST:
        return True
    level = [value]
    for _ in range(NESTING_MOST):
        level = [child for each in level for child in _children(each)]
    return not any(isinstance(each, dict | list) for each in level)


def _children(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _note(media_type: str, encoding: str, length: int, *, truncated: bool) -> str:
    what = media_type or "unknown type"
    if encoding:
        what = f"{what} in an encoding that is not read ({storable(encoding)[:40]})"
    return f"{what}, {'more than ' if truncated else ''}{length} bytes"


_UNKNOWN = _ContentType()
STRICT_JSON = json.JSONDecoder(parse_constant=_refuse)
"""Reads JSON as RFC 8259 has it: no NaN, no infinities."""
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
)
