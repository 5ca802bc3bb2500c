"""Which tests see a fault, those most likely to first."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FURTHER: Mapping[str, Sequence[str]] = {
    "packages/domain": ("packages/adapter-memory", "packages/scheduler"),
    "packages/adapter-memory": ("packages/scheduler",),
}
"""
Whose tests run the code of a member besides its own, as far as they can see more.

The suites of the memory store are those of the other stores: what the domain does wrong they meet
in the same tests, and later.
"""


def members_of(files: frozenset[str]) -> Sequence[str]:
    """Return the members whose tests see a change of these files: their own before others."""
    own = sorted({"/".join(each.split("/")[:2]) for each in files})
    further = [other for member in own for other in FURTHER.get(member, ())]
    return list(dict.fromkeys([*own, *further]))


def ordered_tests(root: Path, files: frozenset[str]) -> Sequence[str]:
    """Name the files of tests, member by member: those first that speak of what was changed."""
    words = re.compile("|".join(rf"\b{re.escape(Path(each).stem)}\b" for each in sorted(files)))
    return [
        str(test.relative_to(root))
        for member in members_of(files)
        for test in sorted(_tests(root / member), key=lambda test: (not _speaks(test, words), test))
    ]


def _tests(member: Path) -> Iterator[Path]:
    return (member / "tests").rglob("test_*.py")


def _speaks(test: Path, words: re.Pattern[str]) -> bool:
    return bool(words.search(test.stem) or words.search(test.read_text("utf-8")))
