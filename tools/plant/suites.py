"""Which tests see a fault, those most likely to first."""

import re
from collections.abc import Mapping, Sequence
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
    """
    Name the files of tests in the order in which they are likely to fail, for their cost.

    Properties take a hundred times as long as examples, and come last. Else it goes member by
    member, and first come those that speak of what was changed.
    """
    members = members_of(files)
    words = re.compile("|".join(rf"\b{re.escape(Path(each).stem)}\b" for each in sorted(files)))

    def place(named: tuple[int, Path]) -> tuple[bool, int, bool, Path]:
        member, test = named
        text = test.read_text("utf-8")
        near = bool(words.search(text) or words.search(test.stem.removeprefix("test_")))
        return "from hypothesis import" in text, member, not near, test

    tests = [
        (number, test)
        for number, member in enumerate(members)
        for test in (root / member / "tests").rglob("test_*.py")
    ]
    return [str(test.relative_to(root)) for _, test in sorted(tests, key=place)]
