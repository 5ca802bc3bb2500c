"""What holds for every verb there is, also for those that are yet to be written."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, HintId, JobId, RunId, new_uuid
from cronicorn_domain.testing.builders import MINUTE
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.endpoints.explaining import explain_endpoint
from cronicorn_management.endpoints.listing import list_endpoints
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.previewing import preview_endpoint
from cronicorn_management.endpoints.putting import put_endpoint
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.endpoints.resetting import reset_failures
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.endpoints.running import run_now
from cronicorn_management.endpoints.skipping import skip_next_slot
from cronicorn_management.hints.clearing import clear_hint, clear_hints
from cronicorn_management.hints.listing import list_hints
from cronicorn_management.hints.offering import offer_interval, offer_oneshot
from cronicorn_management.history.health import read_health
from cronicorn_management.history.past import list_past
from cronicorn_management.history.runs import count_runs, list_runs, read_run
from cronicorn_management.history.slots import list_slots
from cronicorn_management.history.timeline import read_outlook, read_timeline
from cronicorn_management.jobs.archiving import archive_job
from cronicorn_management.jobs.changing import change_job
from cronicorn_management.jobs.pausing import pause_job
from cronicorn_management.jobs.reading import read_job
from cronicorn_management.jobs.restoring import restore_job
from cronicorn_management.jobs.resuming import resume_job
from cronicorn_management.sessions.reading import list_sessions

SOURCE = Path(__file__).parents[1] / "src/cronicorn_management"

OF_A_JOB = {
    read_job: {},
    change_job: {"changes": {"name": "mine"}},
    pause_job: {},
    resume_job: {},
    archive_job: {},
    restore_job: {},
    create_endpoint: {"settings": None},
    put_endpoint: {"key": "k", "settings": None},
}
OF_AN_ENDPOINT = {
    read_endpoint: {},
    change_endpoint: {"changes": {"name": "mine"}},
    pause_endpoint: {},
    resume_endpoint: {},
    archive_endpoint: {},
    restore_endpoint: {},
    reset_failures: {},
    skip_next_slot: {},
    run_now: {},
    explain_endpoint: {},
    preview_endpoint: {},
    offer_interval: {"every": MINUTE},
    offer_oneshot: {"at": MINUTE},
    clear_hints: {},
    clear_hint: {"hint_id": HintId(new_uuid())},
    list_hints: {},
    list_runs: {},
    list_sessions: {},
    count_runs: {},
    list_slots: {},
    read_health: {},
    read_outlook: {},
    read_timeline: {},
    list_past: {},
}
"""Each verb, and what it is given besides the endpoint."""

OF_NO_ONES = {
    "read_now",
    "survey_endpoints",
    "browse_sessions",
    "create_job",
    "put_job",
    "list_jobs",
    "list_audit",
    "issue_key",
    "list_keys",
    "list_people",
    "list_sign_ins",
    "read_usage",
    "make_signing_key",
    "create_alert",
    "list_alerts",
    "list_notices",
    "list_suggestions",
    "read_signing_key",
    "rotate_signing_key",
}
"""They are about the caller's own tenant, and name nothing that could be another's."""

TESTED_ELSEWHERE = {
    "preview_draft",
    "read_alert",
    "change_alert",
    "remove_alert",
    "disable_person",
    "enable_person",
    "end_sign_in",
    "approve_device",
    "deny_device",
    "find_grant",
    "count_past",
    "list_events",
    "read_session",
    "approve_suggestion",
    "refuse_suggestion",
    "list_endpoints",
    "read_run",
    "read_run_among_others",
    "read_stats",
    "rename_key",
    "revoke_key",
}
"""They are given something else: see below, and the tests of what they are about."""

BLOCKS = {
    "judged_alert",
    "begin_sign_in",
    "keep_person",
    "check_room",
    "configure_endpoint",
    "create_many",
    "endpoint_to_change",
    "mend_endpoint",
    "note",
    "note_change",
    "note_created",
    "read_recording",
    "set_endpoint",
}
"""What verbs are made of."""


def verbs() -> Iterator[str]:
    """Name the public functions that take a unit of work."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                first = node.args.args[0].annotation
                if isinstance(first, ast.Name) and first.id in {"Reading", "Changing"}:
                    yield node.name


def test_no_verb_is_forgotten() -> None:
    """Each is in one of the tables, so that what they are tried for holds for all."""
    named = {each.__name__ for each in (*OF_A_JOB, *OF_AN_ENDPOINT)}

    assert set(verbs()) == named | OF_NO_ONES | TESTED_ELSEWHERE | BLOCKS


def given_to(verb, more, office):
    """Return what a verb is given, with good settings where it wants any."""
    return {**more, "settings": office.settings()} if "settings" in more else more


@pytest.mark.parametrize("verb", [*OF_A_JOB, *OF_AN_ENDPOINT], ids=lambda verb: verb.__name__)
async def test_what_is_anothers_does_not_exist(office, verb) -> None:
    """It is the same answer to the letter as for what nobody has, and changes nothing."""
    endpoint = await office.an_endpoint()
    before = await office.situation(endpoint), await office.audit()
    theirs = endpoint.job_id if verb in OF_A_JOB else endpoint.id
    nobodys = (JobId if verb in OF_A_JOB else EndpointId)(new_uuid())
    more = given_to(verb, {**OF_A_JOB, **OF_AN_ENDPOINT}[verb], office)

    answers = []
    for identity in (theirs, nobodys):
        with pytest.raises(NotFound) as refusal:
            async with office.changing(office.stranger) as work:
                await verb(work, identity, **more)
        answers.append(str(refusal.value).replace(str(identity), "it"))

    assert answers[0] == answers[1]
    assert (await office.situation(endpoint), await office.audit()) == before


async def test_what_is_anothers_is_not_listed(office) -> None:
    """Neither are the endpoints of a job, nor those of all, nor is a run of theirs there."""
    endpoint = await office.an_endpoint()

    async with office.reading(office.stranger) as work:
        assert (await list_endpoints(work)).items == []
        with pytest.raises(NotFound):
            await list_endpoints(work, job_id=endpoint.job_id)
        with pytest.raises(NotFound):
            await read_run(work, RunId(new_uuid()))
