"""Values that are quick to make are the same values."""

from dataclasses import FrozenInstanceError, dataclass, field, replace
from inspect import signature

import pytest
from cronicorn_domain.frozen import quickly_made


@dataclass(frozen=True, slots=True)
class Length:
    """A value as the standard library makes it."""

    amount: int
    unit: str = "s"
    note: str = field(default="", kw_only=True, compare=False)


@quickly_made
@dataclass(frozen=True, slots=True)
class QuickLength:
    """The same, quick to make."""

    amount: int
    unit: str = "s"
    note: str = field(default="", kw_only=True, compare=False)


def test_arguments_and_defaults_are_those_of_the_dataclass() -> None:
    """Whatever can be given to the one can be given to the other, and comes to the same."""
    quick, plain = QuickLength(3, note="short"), Length(3, note="short")

    assert repr(quick) == "Quick" + repr(plain)
    assert signature(QuickLength) == signature(Length)
    assert replace(quick, unit="h") == QuickLength(unit="h", amount=3)
    assert hash(quick) == hash(QuickLength(3))


def test_arguments_that_do_not_fit_are_refused() -> None:
    """What is missing, unknown or not to be given by position is an error, as ever."""
    for arguments, named in (((), {}), ((1,), {"amonut": 2}), ((1, "s", "note"), {})):
        with pytest.raises(TypeError):
            QuickLength(*arguments, **named)  # type: ignore[arg-type]


def test_a_quickly_made_value_is_frozen() -> None:
    """Nothing of it can be changed or removed."""
    quick = QuickLength(3)

    with pytest.raises(FrozenInstanceError):
        quick.amount = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del quick.unit


def test_a_class_that_checks_its_values_keeps_its_constructor() -> None:
    """A check in ``__post_init__`` and a made default are refused, not silently left out."""

    @dataclass(frozen=True, slots=True)
    class Checked:
        amount: int

        def __post_init__(self) -> None:
            assert self.amount > 0

    @dataclass(frozen=True, slots=True)
    class Made:
        amounts: list[int] = field(default_factory=list)

    for each in (Checked, Made):
        with pytest.raises(TypeError, match=each.__name__):
            quickly_made(each)
