"""One visit of the doctor: look, tell, and, if asked to, mend and look again."""

from collections.abc import Callable

from cronicorn_worker.composition import open_patient
from cronicorn_worker.doctor.examining import Report, examine
from cronicorn_worker.doctor.mending import intentions, mend
from cronicorn_worker.settings import WorkerSettings


async def visit(
    settings: WorkerSettings, *, fix: bool, most: int | None, say: Callable[[str], None]
) -> Report:
    """
    Examine the database of the settings; with ``fix`` mend what is safe, and say so beforehand.

    Returns:
        What was found, or what is left after mending.

    Raises:
        InvalidInput: the database URL or a key is malformed.
        StoreError: there is no database, it cannot be read, or it is at another revision.
    """
    async with open_patient(
        settings.database_url,
        settings.key,
        poll_only=settings.poll_only,
        floor=settings.allowance.floor,
    ) as patient:
        report = await examine(patient, most=most, say=say)
        if not fix or not report.mendings:
            return report
        for intention in intentions(report):
            say(intention)
        await mend(patient, report)
        say("done; looking again")
        return await examine(patient, most=most, say=say)
