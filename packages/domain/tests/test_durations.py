"""Durations in steps, and the percentiles that are read from them."""

from collections import Counter
from datetime import timedelta

import pytest
from cronicorn_domain.instants import MILLISECOND, NO_TIME
from cronicorn_domain.model.durations import percentile, step_of
from hypothesis import given
from hypothesis import strategies as st

LENGTHS = st.timedeltas(min_value=MILLISECOND, max_value=timedelta(minutes=30))


@given(st.lists(LENGTHS, min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_a_tenth_more_or_less(lengths: list[timedelta], share: float) -> None:
    """Held against the sorted list: the one that so large a share is not longer than."""
    exact = sorted(lengths)[-int(-len(lengths) * share // 1) - 1]

    found = percentile(Counter(map(step_of, lengths)), share)

    assert found is not None
    assert found / exact == pytest.approx(1, rel=0.1)


def test_without_durations_there_is_no_percentile() -> None:
    """Steps that count nothing are none."""
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None


@pytest.mark.parametrize(
    ("length", "step"),
    [(NO_TIME, 0), (MILLISECOND, 0), (1.2 * MILLISECOND, 1), (timedelta(hours=1), 83)],
)
def test_a_step_is_a_fifth_longer_than_the_one_before(length: timedelta, step: int) -> None:
    """The first one ends with a millisecond; what a step ends with belongs to it."""
    assert step_of(length) == step
