"""Bodies that any store can hold, whatever was sent."""

import codecs
import json
from collections.abc import Iterator

import pytest
from cronicorn_adapter_http.body import CHARSETS, NESTING_MOST, body_of
from cronicorn_domain.model.run import Body, BodyKind
from hypothesis import given
from hypothesis import strategies as st

JSON = "application/json"


def refuse(constant: str) -> None:
    """Refuse what is no JSON."""
    raise ValueError(constant)


def depth(value: object) -> int:
    """Count the levels of containers."""
    match value:
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case list():
            return 1 + max(map(depth, value), default=0)
        case _:
            return 0


def strings(value: object) -> Iterator[str]:
    """Find every string in a value, keys included."""
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                yield key
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)


types = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda kind, charset: f"{kind}; charset={charset}",
        st.sampled_from([JSON, "text/plain", "image/png", "application/x", "a/b+json", ""]),
        st.one_of(st.sampled_from(sorted(CHARSETS)), st.text(max_size=10)),
    ),
)
texts = st.text(st.characters(exclude_categories=[]), max_size=20)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        texts,
        st.just("\0"),
        st.just("\\u0000"),
        st.just("\ud800"),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=20,
)
bodies = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda value: json.dumps(value).encode(), values),
    st.builds(
        lambda value, charset: json.dumps(value, ensure_ascii=False).encode(charset, "replace"),
        values,
        st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    ),
    st.builds(lambda levels: b"[" * levels + b"]" * levels, st.integers(0, 3000)),
)


@given(
    data=bodies,
    content_type=types,
    encoding=st.text(max_size=5),
    truncated=st.booleans(),
    whole=st.booleans(),
)
def test_every_body_can_be_stored(
    data: bytes, content_type: str, encoding: str, *, truncated: bool, whole: bool
) -> None:
    """Trap T16: any bytes of any type become text in UTF-8, without NUL, and strict JSON."""
    body = body_of(
        data, content_type=content_type, encoding=encoding, truncated=truncated, whole=whole
    )

    body.text.encode()
    assert "\0" not in body.text
    if body.kind is BodyKind.JSON:
        assert whole
        assert not truncated
        value = json.loads(body.text, parse_constant=refuse)
        assert depth(value) <= NESTING_MOST
        for text in strings(value):
            text.encode()
            assert "\0" not in text


@given(value=values)
def test_json_that_is_strict_comes_back_as_it_was(value: object) -> None:
    """What was kept as JSON means what was sent, but for characters that no store takes."""
    sent = json.dumps(value)

    body = body_of(sent.encode(), content_type=JSON)

    if body.kind is BodyKind.JSON and "\\u0000" not in sent and "\\ud" not in sent:
        assert json.loads(body.text) == json.loads(sent)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"a": 1}', '{"a":1}'),
        (b'\xef\xbb\xbf{"a": 1}', '{"a":1}'),
        (b'{"a": 1, "a": 2}', '{"a":2}'),
        (b'{"a": "\\u0000"}', '{"a":"\ufffd"}'),
        (b'{"a": "\\\\u0000"}', '{"a":"\\\\u0000"}'),
        (b'{"a": "\\\\\\u0000\\u0000"}', '{"a":"\\\\\ufffd\ufffd"}'),
        (b'{"\\u0000": "\\ud800 \\udc00\\ud83d\\ude00"}', '{"\ufffd":"\ufffd \ufffd\U0001f600"}'),
        (b'"\xff"', '"\ufffd"'),
        (b"1e300", "1e+300"),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b"null", "null"),
        (b"[" * 64 + b"]" * 64, "[" * 64 + "]" * 64),
    ],
)
def test_json_is_kept_as_json(sent: bytes, kept: str) -> None:
    """Strict JSON is written anew; NUL, lone surrogates and bad bytes are replaced in it."""
    assert body_of(sent, content_type=JSON) == Body(kind=BodyKind.JSON, text=kept)


@pytest.mark.parametrize(
    "sent",
    [
        b'{"a": NaN}',
        b"[Infinity, -Infinity]",
        b"1e999",
        b"-1e200000",
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
        b"9" * 5000,
        b'{"a": "\x00"}',
        b"{'a': 1}",
        b'{"a": 1} trailing',
        b"",
    ],
)
def test_what_is_no_strict_json_is_kept_as_text(sent: bytes) -> None:
    """Trap T16: NaN, infinities, deep nesting and endless numbers stay text, as they came."""
    body = body_of(sent, content_type=JSON)

    expected = sent.decode().replace("\0", "\ufffd")
    assert body == (Body(kind=BodyKind.TEXT, text=expected) if sent else Body())


@pytest.mark.parametrize(
    ("content_type", "data", "text"),
    [
        ("text/plain", b"caf\xc3\xa9", "café"),
        ("text/plain; charset=ISO-8859-1", b"caf\xe9", "café"),
        ('text/html; x=y; CHARSET="windows-1252"', b"\x80", "€"),
        ("text/plain; charset=utf-16", "é".encode("utf-16"), "é"),
        ("text/plain; charset=utf-16", "é".encode("utf-16-le"), "é"),
        ("text/plain; charset=shift_jis", "日本".encode("shift_jis"), "日本"),
        ("text/plain; charset=punycode", b"abc-", "abc-"),
        ("text/plain; charset=unknown", b"\xff", "\ufffd"),
        ("text/plain", b"a\0b\xffc", "a\ufffdb\ufffdc"),
        ("application/xml", b"<a/>", "<a/>"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("application/x-something", b"readable", "readable"),
        ("nonsense", b"readable", "readable"),
        ("", b"readable", "readable"),
    ],
)
def test_text_is_decoded(content_type: str, data: bytes, text: str) -> None:
    """The charset is honoured; bad bytes and NUL are replaced; what reads as text is text."""
    assert body_of(data, content_type=content_type) == Body(kind=BodyKind.TEXT, text=text)


@pytest.mark.parametrize(
    ("content_type", "data", "note"),
    [
        ("image/png", b"\x89PNG", "image/png, 4 bytes"),
        ("IMAGE/JPEG; q=1", b"text", "image/jpeg, 4 bytes"),
        ("application/octet-stream", b"text", "application/octet-stream, 4 bytes"),
        ("application/x-something", b"\xff\xfe", "application/x-something, 2 bytes"),
        ("", b"a\0b", "unknown type, 3 bytes"),
        ("\0\ud800/x", b"\xff", "unknown type, 1 bytes"),
    ],
)
def test_what_is_not_text_is_a_note(content_type: str, data: bytes, note: str) -> None:
    """Of binary bodies the type and the length are kept."""
    assert body_of(data, content_type=content_type) == Body(kind=BodyKind.BINARY, text=note)


def test_a_truncated_note_says_so() -> None:
    """The length of a truncated body is not known."""
    body = body_of(b"\xff" * 9, content_type="image/png", truncated=True)

    assert body == Body(kind=BodyKind.BINARY, text="image/png, more than 9 bytes", truncated=True)


def test_an_encoding_that_is_not_read_makes_a_note() -> None:
    """Even a text type is binary in an encoding nobody undid."""
    body = body_of(b"abc", content_type="text/plain", encoding="br")

    assert body.kind is BodyKind.BINARY
    assert body.text == "text/plain in an encoding that is not read (br), 3 bytes"


def test_json_without_a_type_is_recognised() -> None:
    """With no type given, what reads as a JSON object or array is one."""
    assert body_of(b' {"a": 1}').kind is BodyKind.JSON
    assert body_of(b"17").kind is BodyKind.TEXT


@pytest.mark.parametrize(("truncated", "whole"), [(True, True), (False, False)])
def test_a_part_of_json_is_text(*, truncated: bool, whole: bool) -> None:
    """What was cut or broke off is not JSON, even if it reads so; half a character is dropped."""
    body = body_of(b'"1\xe2\x82', content_type=JSON, truncated=truncated, whole=whole)

    assert (body.kind, body.text, body.truncated) == (BodyKind.TEXT, '"1', truncated)


def test_every_charset_is_known() -> None:
    """Each charset that is honoured has a codec that can replace bad bytes."""
    for charset in CHARSETS:
        codecs.getincrementaldecoder(charset)(errors="replace").decode(b"\xff\xfe\x00", True)
