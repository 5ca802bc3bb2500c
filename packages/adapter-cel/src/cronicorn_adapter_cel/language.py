"""The expressions that may be written: which names there are, and what they are."""

from typing import Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_optional, ext_strings

NAMES: Final = {
    "status": cel.Type.INT,
    "body": cel.Type.DYN,
    "headers": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    "durationMs": cel.Type.INT,
    "failures": cel.Type.INT,
    "health": cel.Type.DYN,
    "previous": cel.Type.DYN,
    "siblings": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "now": cel.Type.TIMESTAMP,
}
"""What an expression may ask about. What is `DYN` is known when there is an answer."""

ENVIRONMENT: Final = cel.NewEnv(
    variables=NAMES,
    extensions=[ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()],
)
"""CEL's standard library, texts, numbers and optionals. No bindings: they make bombs cheap."""


def compiled(expression: str) -> cel.Expression:
    """Compile an expression; raises ``RuntimeError`` in the library's words."""
    return ENVIRONMENT.compile(expression)


def may_say_yes_or_no(expression: cel.Expression) -> bool:
    """Say whether an expression can be a condition, as far as its type is known."""
    return expression.return_type().name() in {"BOOL", "DYN"}
