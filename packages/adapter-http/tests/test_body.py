"""Bodies that any store can hold, whatever was sent."""

import json
from collections.abc import Iterator

import pytest
from cronicorn_adapter_http.body import CHARSETS, body_of
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
letters = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | letters,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner),
    max_leaves=12,
)


@given(value=values, escaped=st.booleans())
def test_what_json_says_is_kept_to_the_digit(value, escaped) -> None:
    """However JSON is written, integers beyond 64 bits included, its value stays the same."""
    sent = json.dumps(value, ensure_ascii=escaped, indent=1).encode()

    body = body_of(sent, content_type=JSON)

    assert body.kind is BodyKind.JSON
    assert repr(json.loads(body.text)) == repr(value)


@pytest.mark.parametrize(
    "text",
    ["18446744073709551616", "-9223372036854775809", "[1234567890123456789012345678901234567890]"],
)
def test_long_integers_lose_no_digit(text: str) -> None:
    """An integer that fits no machine word is kept as it came."""
    assert body_of(text.encode(), content_type=JSON) == Body(kind=BodyKind.JSON, text=text)
