"""Overlays: what is laid over looks changed, and nothing is until it is applied."""

from typing import Any

import pytest
from cronicorn_adapter_memory.overlay import Log, LogOverlay, Overlay
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sampled_from("abcd")
ROWS = st.dictionaries(KEYS, st.integers())
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.integers()),
        st.tuples(st.just("remove"), KEYS, st.none()),
    )
)
LINES = st.dictionaries(KEYS, st.lists(st.integers(), min_size=1))
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), KEYS, st.integers()),
        st.tuples(st.just("replace"), KEYS, st.lists(st.integers())),
    )
)


@given(base=ROWS, edits=EDITS)
def test_an_overlay_is_the_mapping_it_will_be(
    base: dict[str, int], edits: list[tuple[str, str, Any]]
) -> None:
    """It reads like a changed copy; the base is that copy after ``apply``, and not before."""
    before, expected = dict(base), dict(base)
    overlay = Overlay(base)
    for verb, key, value in edits:
        for mapping in (overlay, expected):
            if verb == "set":
                mapping[key] = value
            else:
                mapping.pop(key, None)

    assert dict(overlay) == expected
    assert len(overlay) == len(expected)
    assert all(overlay.get(key) == expected.get(key) for key in "abcd")
    assert base == before
    overlay.apply()
    assert base == expected


def test_removing_what_is_not_there_is_an_error() -> None:
    """As in any mapping, also twice."""
    overlay = Overlay({"a": 1})
    del overlay["a"]

    with pytest.raises(KeyError):
        del overlay["a"]
    with pytest.raises(KeyError):
        del overlay["b"]


@given(base=LINES, writes=WRITES)
def test_a_log_overlay_is_the_log_it_will_be(
    base: dict[str, list[int]], writes: list[tuple[str, str, Any]]
) -> None:
    """It reads like a changed copy; the base is that copy after ``apply``, and not before."""
    log, expected = Log[str, int](), Log[str, int]()
    for key, values in base.items():
        log.replace(key, values)
        expected.replace(key, values)
    overlay = LogOverlay(log)
    for verb, key, value in writes:
        for each in (overlay, expected):
            if verb == "add":
                each.add(key, value)
            else:
                each.replace(key, value)

    assert contents(overlay) == contents(expected)
    assert contents(log) == base
    overlay.apply()
    assert contents(log) == contents(expected)


def contents(log: Log[str, int]) -> dict[str, list[int]]:
    """Return the sequences that are not empty."""
    return {key: list(log.of(key)) for key in log.filled()}
