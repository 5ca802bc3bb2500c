"""Lines of ``.importlinter`` that permit: ``importer -> imported``, both with all below them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from importlinter.domain.imports import ImportExpression


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """The importer, and everything inside it, may import the imported."""

    importer: str
    imported: str

    def covers(self, *, importer: str, imported: str) -> bool:
        """Whether this import is one of those permitted."""
        return is_within(importer, self.importer) and is_within(imported, self.imported)


def permissions(parsed: object) -> list[Permission]:
    """
    Read the value that import-linter put in place of a set field.

    The plugin interface declares the field and stores the value under one name, so a type
    checker sees the field.
    """
    expressions = cast("Iterable[ImportExpression] | None", parsed)
    return sorted(
        Permission(str(expression.importer), str(expression.imported))
        for expression in expressions or ()
    )


def strings(parsed: object) -> list[str]:
    """Read the value of a set field of strings; see ``permissions``."""
    return sorted(cast("Iterable[str] | None", parsed) or ())


def is_within(name: str, package: str) -> bool:
    """Whether the dotted name is the package's or of something inside it."""
    return name == package or name.startswith(f"{package}.")
