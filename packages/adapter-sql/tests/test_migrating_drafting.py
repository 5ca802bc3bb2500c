"""Drafts: a new migration begins with the questions it has to answer."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from cronicorn_adapter_sql.migrating.drafting import draft
from cronicorn_adapter_sql.migrating.tree import read_tree
from cronicorn_domain.errors import InvalidInput, StoreRefused


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a copy of our tree of migrations."""
    ours = Path(str(files("cronicorn_adapter_sql") / "migrations"))
    return Path(shutil.copytree(ours, tmp_path / "tree"))


def test_a_draft_follows_the_newest_migration(tree: Path) -> None:
    """It has the next number, a name that tells, and a docstring to fill; it undoes nothing yet."""
    before = read_tree(str(tree))

    path = draft("Add caps to endpoints.", tree=str(tree))

    number = f"{len(before.line) + 1:04d}"
    after = read_tree(str(tree))
    assert path.name == f"{number}_add_caps_to_endpoints.py"
    assert (after.line[-1].revision, after.line[-1].down_revision) == (number, before.head)
    words = path.read_text()
    assert words.startswith('"""\nAdd caps to endpoints.\n\nWhat changes: …\nWhy: …\n')
    assert words.count("raise NotImplementedError") == 2


@pytest.mark.parametrize("title", ["", "a", "  ", "../evil", '"""', "x" * 81])
def test_a_draft_needs_a_title(tree: Path, title: str) -> None:
    """What cannot be the first sentence of a migration, and a file's name, is refused."""
    with pytest.raises(InvalidInput, match="say in 3 to 80"):
        draft(title, tree=str(tree))

    assert len(list(Path(tree, "versions").glob("0*.py"))) == len(read_tree(str(tree)).line)


def test_a_draft_needs_a_checkout(tree: Path) -> None:
    """Where the folder of migrations is not there to be written, the remedy is told."""
    versions = Path(tree, "versions")
    taken = versions / f"{len(read_tree(str(tree)).line) + 1:04d}_add_caps.py"
    taken.mkdir()

    with pytest.raises(StoreRefused, match="work in a checkout"):
        draft("Add caps", tree=str(tree))
