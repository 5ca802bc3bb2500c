"""A request that bears a key is done once."""

import asyncio
from dataclasses import replace

import pytest
from cronicorn_domain.errors import InvalidInput, KeyOfAnother, StillUnderWay
from cronicorn_domain.model.answer import Answer
from cronicorn_domain.testing.builders import SECOND
from cronicorn_management.repeating import (
    DONE_WITHIN,
    KEPT_FOR,
    LOOK_EVERY,
    LOOKS,
    Turn,
    begin_once,
    forget_answers,
    give_up,
    keep_answer,
)

ANSWER = Answer(status=201, media_type="application/json", body="{}")
ASKED = b"POST /jobs\n{}"


async def begun(office, asked: bytes = ASKED, caller=None) -> Answer | Turn:
    """Begin a request."""
    return await begin_once(office.desk, caller or office.ada, "k", asked)


async def turn(office) -> Turn:
    """Begin a request, and expect to be the one to do it."""
    taken = await begun(office)
    assert isinstance(taken, Turn)
    return taken


async def test_a_repeat_gets_the_answer_for_a_day(office) -> None:
    """Then it is done anew; what is kept is thrown away."""
    await keep_answer(office.desk, await turn(office), ANSWER)

    office.clock.advance(KEPT_FOR - SECOND)
    assert await begun(office) == ANSWER
    assert await forget_answers(office.desk) == 0
    office.clock.advance(SECOND)
    assert await forget_answers(office.desk) == 1
    await turn(office)


async def test_a_repeat_that_comes_too_early_waits(office) -> None:
    """It gets the answer once there is one."""
    taken = await turn(office)

    early = asyncio.create_task(begun(office))
    await asyncio.sleep(0)
    await keep_answer(office.desk, taken, ANSWER)
    office.clock.advance(LOOK_EVERY)

    assert await early == ANSWER


async def test_a_repeat_does_not_wait_for_ever(office) -> None:
    """After some seconds it is told that the first one is still under way."""
    await turn(office)
    early = asyncio.create_task(begun(office))

    for _ in range(LOOKS):
        await asyncio.sleep(0)
        office.clock.advance(LOOK_EVERY)

    with pytest.raises(StillUnderWay):
        await early


async def test_a_lost_process_keeps_nobody_for_long(office) -> None:
    """What it did not answer in time is done by whoever asks again, and it keeps nothing then."""
    lost = await turn(office)
    office.clock.advance(DONE_WITHIN)
    taken = await turn(office)

    await keep_answer(office.desk, lost, replace(ANSWER, status=500))
    await give_up(office.desk, lost)
    await keep_answer(office.desk, taken, ANSWER)

    assert await begun(office) == ANSWER


async def test_who_may_less_gets_no_answer_of_others(office) -> None:
    """Who asks belongs to what is asked."""
    await keep_answer(office.desk, await turn(office), ANSWER)

    for other in (replace(office.ada, scopes=frozenset()), replace(office.ada, name="bob")):
        with pytest.raises(KeyOfAnother):
            await begun(office, caller=other)


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\nb"])
async def test_a_key_is_a_word(office, key: str) -> None:
    """Of letters, digits and signs that any header can carry."""
    with pytest.raises(InvalidInput, match="no key") as refusal:
        await begin_once(office.desk, office.ada, key, ASKED)

    assert refusal.value.field == "Idempotency-Key"
