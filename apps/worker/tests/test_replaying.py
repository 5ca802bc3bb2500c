"""The command that runs rules over recorded answers."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.rules import ClearHints, EndpointRule, Every, RuleSet
from cronicorn_domain.model.run import BodyKind
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    every,
    succeeded,
)
from cronicorn_worker.command import app
from cronicorn_worker.composition import open_store
from typer.testing import CliRunner, Result

TIGHTEN = EndpointRule(when="body.waiting > 100", then=(Every(MINUTE),))
CALM = EndpointRule(when="body.waiting < 10", then=(ClearHints(),))
UNTIL = "2025-01-01T12:40:00Z"
FILE = """
jobs:
  - name: shop
    endpoints:
      - name: queue
        url: http://93.184.216.34/queue
        every: 10m
        rules:
          - when: body.waiting > 1000
            then: {notify: true}
"""


@pytest.fixture
def database(bare: Path) -> str:
    """Give a database in which an endpoint of ten minutes has told four times how many wait."""
    url = f"sqlite:///{bare / 'cronicorn.db'}"
    asyncio.run(_record(url))
    return url


async def _record(url: str) -> None:
    job = a_job("shop")
    rules = RuleSet(rules=(TIGHTEN, CALM), shadow=True)
    endpoint = an_endpoint(job, "queue", schedule=every(10 * MINUTE), rules=rules)
    async with open_store(url, None) as store:
        await store.room.prepare(until=EPOCH + timedelta(days=2), now=EPOCH)
        async with store.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
            await unit.commit()
        for number, waiting in enumerate((1, 500, 500, 2), 1):
            now = EPOCH + number * 10 * MINUTE
            batch = await store.queue.claim(
                worker=WorkerId("w"), limit=1, lease_for=MINUTE, now=now
            )
            (run,) = batch.runs
            await store.queue.start([run.lease.token], now=now)
            outcome = succeeded(f'{{"waiting": {waiting}}}', kind=BodyKind.JSON)
            ended = a_settlement(
                run.lease.token, started_at=now, ended_at=now + SECOND, outcome=outcome
            )
            await store.queue.settle([ended], now=now + SECOND)


def replay(database: str, *options: str) -> Result:
    """Ask for a replay of the queue, or of what is named."""
    named = [] if options and not options[0].startswith("-") else ["shop/queue"]
    arguments = ["replay", *named, *options, "--database", database, "--until", UNTIL]
    return CliRunner().invoke(app, [*arguments, "--last", "1h"])


def test_it_tells_what_rules_would_have_changed(database: str) -> None:
    """The numbers of both ways, bars of both, each rule, and what cannot be known."""
    result = replay(database)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("queue of shop: 4 answers, 2025-01-01 12:10:00 UTC")
    assert any(line.split()[:3] == ["without", "rules", "4"] for line in lines)
    assert any(line.split()[:3] == ["with", "rules", "22"] for line in lines)
    assert "18 calls more by rules; the target changed twice" in result.stdout
    assert "rule 1: body.waiting > 100" in result.stdout
    assert "2025-01-01 12:20:01 UTC  rule 1: run every 1 min" in result.stdout
    assert "is not known" in result.stdout
    assert "█" in result.stdout


def test_programs_read_it_as_json(database: str) -> None:
    """All of it, and nothing else on the line."""
    told = json.loads(replay(database, "--json").stdout)

    assert (told["job"], told["endpoint"], told["answers"]) == ("shop", "queue", 4)
    assert len(told["ruled"]["calls"]) == 22
    assert told["fixed"]["unseen_ms"] == [[0, 600_000]] * 2
    assert told["rules"][0]["acted"] == 1


def test_rules_can_come_from_a_file_that_is_not_applied(database: str, bare: Path) -> None:
    """One tries a file before it is."""
    (bare / "jobs.yaml").write_text(FILE)
    told = json.loads(replay(database, "--json", "--jobs", "jobs.yaml").stdout)

    assert [each["when"] for each in told["rules"]] == ["body.waiting > 1000"]
    assert told["saved"] == 0


def test_a_plot_is_drawn_for_light_and_dark_pages(database: str, bare: Path) -> None:
    """As an SVG, and by no other name."""
    assert replay(database, "--plot", "queue.svg").exit_code == 0
    drawn = (bare / "queue.svg").read_text()
    assert drawn.startswith("<svg")
    assert "prefers-color-scheme:dark" in drawn
    assert "with rules (22)" in drawn

    refused = replay(database, "--plot", "queue.gif")
    assert refused.exit_code == 2
    assert "Let it end with .svg" in refused.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["shop/nothing"], "there is no endpoint 'shop/nothing'"),
        (["018f0000-0000-7000-8000-000000000000"], "there is no endpoint 018f0000"),
        (["--jobs", "none.yaml"], "none.yaml"),
    ],
)
def test_what_is_not_there_is_named(database: str, options: list[str], told: str) -> None:
    """A usage fault, with what to do instead."""
    result = replay(database, *options)

    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


def test_a_window_without_answers_says_so(database: str) -> None:
    """And makes no database where there is none."""
    arguments = ["replay", "shop/queue", "--database", database]
    empty = CliRunner().invoke(app, [*arguments, "--until", "2024-01-01T00:00:00Z"])
    assert empty.exit_code == 2
    assert "no answer was recorded in this window" in " ".join(empty.stderr.split())
    unread = CliRunner().invoke(app, [*arguments, "--until", "noon"])
    assert "is no instant with a zone" in " ".join(unread.stderr.split())

    nowhere = database.replace("cronicorn.db", "none.db")
    missing = CliRunner().invoke(app, ["replay", "shop/queue", "--database", nowhere])
    assert missing.exit_code == 1
