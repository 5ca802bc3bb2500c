"""Lengths as people write them in forms."""

from datetime import timedelta

import pytest
from cronicorn_api.pages.editing.lengths import length_in
from cronicorn_domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5 min", 300),
        ("1 h 30 min", 5400),
        ("1h30m", 5400),
        ("2 Hours", 7200),
        ("1.5 d", 129_600),
        ("0,5 s", 0.5),
        ("250ms", 0.25),
        ("1 week", 604_800),
    ],
)
def test_a_length_is_read_as_it_is_written(text: str, seconds: float) -> None:
    """With blanks or without, in capitals or not, its unit short or spelled."""
    assert length_in(text, field="every") == timedelta(seconds=seconds)


def test_nothing_is_no_length() -> None:
    """An empty field says nothing."""
    assert length_in("  ", field="min") is None


@pytest.mark.parametrize("text", ["5", "soon", "5 parsecs", "-5 s", "5 s later", "999999999999 w"])
def test_what_is_no_length_is_refused_with_what_to_write(text: str) -> None:
    """The field is named, and an example given."""
    with pytest.raises(InvalidInput) as refused:
        length_in(text, field="every")

    assert refused.value.field == "every"
    assert refused.value.remedy
