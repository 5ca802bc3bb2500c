"""What ``cronicorn-db`` says while a migration takes its time."""

import pytest
from cronicorn_adapter_sql.command.telling import Progress
from cronicorn_adapter_sql.migrating.journey import Began, Finished, HeldUp
from cronicorn_adapter_sql.migrating.tree import Step
from cronicorn_domain.errors import StoreUnavailable

STEP = Step(revision="0002", title="Add caps.")
BEGAN = Began(step=STEP, undone=False, number=2, count=3)


class Watched:
    """A progress whose clock and database are the test's."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seen: str | None = None
        self.lost = False
        self.lines: list[str] = []
        self.progress = Progress(self.lines.append, self.look, lambda: self.now)

    async def look(self) -> str | None:
        """Answer for the database."""
        if self.lost:
            raise StoreUnavailable("gone")
        return self.seen


@pytest.fixture
def watched() -> Watched:
    """Give a progress that has begun a step."""
    made = Watched()
    made.progress.tell(BEGAN)
    return made


async def test_a_long_step_is_told_every_five_seconds(watched: Watched) -> None:
    """Which one, of how many, and for how long; nothing of a short one, nor of one that ended."""
    for second in (1, 4, 5, 6, 10):
        watched.now = second
        await watched.progress.look()
    watched.progress.tell(Finished(step=STEP, undone=False))
    watched.now = 99
    await watched.progress.look()

    assert watched.lines == [
        "applying 0002 (2 of 3): Add caps. 5 s so far",
        "applying 0002 (2 of 3): Add caps. 10 s so far",
    ]


async def test_what_the_database_says_is_told_once(watched: Watched) -> None:
    """What a step builds or waits for is told when it is new; a lost look says nothing."""
    watched.seen = "waiting for process 7"
    for _ in range(2):
        await watched.progress.look()
    watched.lost = True
    await watched.progress.look()

    assert watched.lines == ["applying 0002 (2 of 3): Add caps. waiting for process 7"]


def test_what_holds_it_up_is_told(watched: Watched) -> None:
    """Another process at once; a lock at the first try, and then at every tenth."""
    watched.progress.tell(HeldUp(reason="another process is migrating this database"))
    for tried in range(1, 12):
        watched.progress.tell(HeldUp(reason="locked", tried=tried, tries=60))

    assert watched.lines == [
        "waiting: another process is migrating this database",
        "undone, and tried again (try 1 of 60): locked",
        "undone, and tried again (try 11 of 60): locked",
    ]


async def test_watching_ends_with_the_work(watched: Watched) -> None:
    """Nothing goes on looking once the block is over."""
    async with watched.progress.watching():
        pass

    assert watched.lines == []
