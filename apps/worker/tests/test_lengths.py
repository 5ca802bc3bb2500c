"""Lengths and sizes are read as people write them."""

from datetime import timedelta

import pytest
from cronicorn_worker.lengths import UnreadableLength, format_length, parse_length, parse_size
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2s", timedelta(seconds=2)),
        ("10m", timedelta(minutes=10)),
        ("1h30m", timedelta(minutes=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("1.5s", timedelta(milliseconds=1500)),
        ("1d 12h", timedelta(hours=36)),
        (" 0s ", timedelta()),
        ("3660d", timedelta(days=3660)),
    ],
)
def test_a_length_is_a_row_of_numbers_with_units(text: str, length: timedelta) -> None:
    """Units go from the largest to the smallest; blanks between them do no harm."""
    assert parse_length(text) == length


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a length"),
        ("soon", "is not a length"),
        ("5", "has no unit"),
        ("5 parsecs", "is not a length"),
        ("-5s", "is negative"),
        ("30m1h", "strange order"),
        ("1s1s", "twice"),
        ("3661d", "too long"),
        ("99999999999999999999999d", "too long"),
        ("0.0001ms", "finer than a microsecond"),
        ("\N{ARABIC-INDIC DIGIT ONE}s", "is not a length"),
        ("1h30", "is not a length"),
    ],
)
def test_what_is_no_length_is_refused_with_a_reason(text: str, said: str) -> None:
    """Trap T30: no length, however large, overflows; the message says what is wrong with it."""
    with pytest.raises(UnreadableLength, match=said) as refused:
        parse_length(text)

    assert refused.value.remedy


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3660)))
def test_a_length_written_is_read_back_to_the_millisecond(length: timedelta) -> None:
    """What is written for people can be written into a file."""
    read_back = parse_length(format_length(length))

    assert read_back == length // timedelta(milliseconds=1) * timedelta(milliseconds=1)


def test_a_negative_length_is_written_with_its_sign() -> None:
    """A length below zero is shown as what it is, although it cannot be read back."""
    assert format_length(-timedelta(seconds=5)) == "-5s"


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("64KiB", 65536), ("1.5 MB", 1_500_000), ("1mib", 1_048_576), ("7B", 7)],
)
def test_a_size_is_a_number_of_bytes_with_or_without_a_unit(text: str, size: int) -> None:
    """Units of a thousand and of 1024 are both known."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1TB", "1.5", "much", "9" * 30])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A size that cannot be meant says so, and what to write."""
    with pytest.raises(UnreadableLength, match=r"size|bytes|too large") as refused:
        parse_size(text)

    assert "KiB" in refused.value.remedy
