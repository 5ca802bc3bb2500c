"""The histogram of lateness: right within its stated error, whatever it is fed."""

from datetime import timedelta

import pytest
from cronicorn_worker.watching.lateness import ERROR, Lateness
from hypothesis import given
from hypothesis import strategies as st

MICROSECOND = timedelta(microseconds=1)
FINEST = timedelta(microseconds=100)


def seen(*lengths: timedelta) -> Lateness:
    """Return a histogram that has seen these."""
    lateness = Lateness()
    for length in lengths:
        lateness.add(length)
    return lateness


def test_nothing_seen_has_no_numbers() -> None:
    """Without a run there is neither a mean nor a percentile."""
    empty = Lateness()

    assert (empty.count, empty.mean, empty.percentile(0.5)) == (0, None, None)


def test_the_mean_and_the_most_are_exact() -> None:
    """Sums are kept as they are, whatever the buckets round."""
    lateness = seen(*(timedelta(milliseconds=n) for n in (1, 2, 6)))

    assert lateness.mean == timedelta(milliseconds=3)
    assert lateness.most == timedelta(milliseconds=6)


def test_a_start_before_its_time_is_counted_apart() -> None:
    """Trap T10: an early start would be a fault, and must not improve the mean."""
    lateness = seen(timedelta(milliseconds=-5), timedelta(milliseconds=4))

    assert lateness.early == 1
    assert lateness.mean == timedelta(milliseconds=2)


@given(
    st.lists(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=30)), min_size=1),
    st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]),
)
def test_a_percentile_is_off_by_no_more_than_is_said(
    lengths: list[timedelta], share: float
) -> None:
    """The nearest-rank percentile, off by 2.5 % at most, or a tenth of a millisecond."""
    rank = max(1, -(-len(lengths) * round(share * 100) // 100))
    exact = sorted(lengths)[rank - 1]

    told = seen(*lengths).percentile(share)

    assert told is not None
    assert abs(told - exact) <= max(exact * ERROR, FINEST) + MICROSECOND


def test_its_memory_is_bounded() -> None:
    """However many different lengths it sees, it keeps a few hundred numbers."""
    lateness = seen(*(timedelta(microseconds=3**n % 10**12) for n in range(20_000)))

    assert lateness.count == 20_000
    assert len(lateness.buckets) < 500


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_equal_lengths_have_one_percentile(share: float) -> None:
    """No percentile lies above the most."""
    told = seen(*[timedelta(milliseconds=10)] * 5).percentile(share)

    assert told is not None
    assert abs(told - timedelta(milliseconds=10)) <= timedelta(milliseconds=10) * ERROR
