"""
Frozen dataclasses that are cheap to make, for the values that every run makes anew.

The constructor that the standard library writes for a frozen dataclass asks ``object.__setattr__``
to set each field, which searches the class for it and costs several times the field itself. One run
makes a few hundred fields, so that most of a decision's time would go into writing down what was
decided.
"""

from dataclasses import MISSING, Field, fields
from functools import update_wrapper
from typing import Any, TypeVar

Value = TypeVar("Value")


def quickly_made(cls: type[Value]) -> type[Value]:
    """
    Give a frozen dataclass with slots a constructor that writes straight into the slots.

    It takes the same arguments and makes equal values, which are as frozen as before; only plain
    defaults and no ``__post_init__`` are supported.

    Raises:
        TypeError: the class needs more of its constructor than that.
    """
    own = fields(cls)  # type: ignore[arg-type]  # mypy knows no name for "a dataclass"
    if hasattr(cls, "__post_init__") or any(not _is_plain(each) for each in own):
        raise TypeError(f"{cls.__name__} needs the constructor that it has")
    names = {f"_write_{each.name}": getattr(cls, each.name).__set__ for each in own}
    names |= {f"_default_{each.name}": each.default for each in own}
    made: dict[str, Any] = {}
    exec(_source(own), names, made)  # noqa: S102  as the standard library makes its own
    setattr(cls, "__init__", update_wrapper(made["__init__"], cls.__init__))  # noqa: B010
    return cls


def _is_plain(each: "Field[Any]") -> bool:
    return each.init and each.default_factory is MISSING


def _source(own: "tuple[Field[Any], ...]") -> str:
    given = [each for each in own if not each.kw_only]
    named = [each for each in own if each.kw_only]
    parts = ["self", *map(_parameter, given), *(["*"] if named else []), *map(_parameter, named)]
    lines = [f"    _write_{each.name}(self, {each.name})" for each in own]
    return "\n".join([f"def __init__({', '.join(parts)}):", *lines])


def _parameter(each: "Field[Any]") -> str:
    return each.name if each.default is MISSING else f"{each.name}=_default_{each.name}"
