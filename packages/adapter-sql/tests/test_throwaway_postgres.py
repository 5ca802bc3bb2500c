"""The server that the tests run against."""

import psycopg


def test_a_database_can_be_created_and_used(postgres_url: str) -> None:
    """The server takes connections, in UTC."""
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT current_setting('TimeZone')").fetchone()

    assert row == ("UTC",)
