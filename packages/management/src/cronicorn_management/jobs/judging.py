"""Judges what is said of a job."""

from cronicorn_domain.model.job import check_description, check_external_key, check_name

from cronicorn_management.attempts import Attempts


def check_job(name: str, description: str | None, key: str | None = None) -> None:
    """Refuse with ``InvalidInput`` a job that cannot be; ``issues`` are all its faults."""
    tried = Attempts()
    tried.attempt((), lambda: check_name(name))
    tried.attempt((), lambda: check_description(description))
    tried.attempt((), lambda: check_external_key(key))
    tried.end()
