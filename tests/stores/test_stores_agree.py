"""The memory store is the oracle: SQLite and PostgreSQL answer every story as it does."""

from hypothesis.stateful import run_state_machine_as_test

from tools.agree.command import told_settings
from tools.agree.stores import agreement


def test_every_store_tells_the_same_story() -> None:
    """Whatever people, workers and time do, the stores agree to the letter (trap T42)."""
    with agreement() as machine:
        run_state_machine_as_test(machine, settings=told_settings(stories=8, steps=25))
