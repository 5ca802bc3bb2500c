"""The records in ``.adr`` can be told apart."""

from pathlib import Path

RECORDS = Path(__file__).parents[1] / ".adr"


def test_the_records_are_numbered_without_gap_or_double() -> None:
    """Two records that were begun side by side do not share a number."""
    names = sorted(file.name for file in RECORDS.glob("*.md"))

    assert [name[:4] for name in names] == [f"{n:04d}" for n in range(1, len(names) + 1)]


def test_each_record_is_headed_by_its_number() -> None:
    """Whoever reads a record knows by which number others refer to it."""
    for file in RECORDS.glob("*.md"):
        assert file.read_text("utf-8").startswith(f"# {file.name[:4]}. "), file.name
