"""The scripted model keeps the contract, given lines of every kind."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import repeat
from typing import Final

import pytest
from cronicorn_adapter_memory.model_client import Line, ScriptedModelClient
from cronicorn_domain.model.conversation import (
    NO_USAGE,
    Answer,
    BrokenCall,
    Finish,
    Silence,
    Unanswered,
)
from cronicorn_domain.testing.model_client_contract import (
    ASK,
    CALL,
    HINT,
    RETRY_AFTER,
    USAGE,
    ClientMaker,
    ModelClientContract,
    Scene,
)

WELL: Final = Answer(text="All is well.", calls=(), finish=Finish.DONE, usage=USAGE)
UNTOLD: Final = Answer(text="All is well.", calls=(), finish=Finish.DONE, usage=None)


def broken(finish: Finish) -> Answer:
    """Return an answer with a broken call."""
    call = BrokenCall(id="call-1", tool=HINT.name, said="{seconds: 30")
    return Answer(text="", calls=(call,), finish=finish, usage=USAGE)


def silent(why: Silence) -> Unanswered:
    """Return no answer, of which nobody knows the cost."""
    return Unanswered(why=why, message="no answer")


LINES: Final[Mapping[Scene, Line]] = {
    Scene.TEXT: WELL,
    Scene.CALLS: Answer(text="", calls=(CALL,), finish=Finish.DONE, usage=USAGE),
    Scene.BROKEN_CALL: broken(Finish.DONE),
    Scene.CUT_CALL: broken(Finish.CUT),
    Scene.CUT_TEXT: Answer(text="All is", calls=(), finish=Finish.CUT, usage=USAGE),
    Scene.WITHHELD: Answer(text="", calls=(), finish=Finish.WITHHELD, usage=USAGE),
    Scene.NO_USAGE: UNTOLD,
    Scene.ABSURD_USAGE: UNTOLD,
    Scene.NEGATIVE_USAGE: UNTOLD,
    Scene.NO_JSON: silent(Silence.UNREADABLE),
    Scene.CUT_BODY: silent(Silence.UNREACHABLE),
    Scene.HANGS: silent(Silence.TOO_LATE),
    Scene.TOO_MANY: Unanswered(
        why=Silence.TOO_MANY, message="wait", retry_after=RETRY_AFTER, usage=NO_USAGE
    ),
    Scene.OVERLOADED: silent(Silence.OVERLOADED),
    Scene.BROKEN: silent(Silence.BROKEN),
    Scene.WRONG_KEY: Unanswered(why=Silence.REJECTED, message="no such key", usage=NO_USAGE),
}


class TestScriptedModelClient(ModelClientContract):
    """Whatever a vendor may do can be scripted."""

    @pytest.fixture
    async def client_maker(self) -> ClientMaker:
        """Provide clients that say one line again and again."""
        return lambda scene: ScriptedModelClient(repeat(LINES[scene]))


async def test_lines_are_said_in_turn_and_asks_are_kept() -> None:
    """A line may be made of the ask; behind the last one nothing is said."""
    client = ScriptedModelClient([WELL, lambda ask: silent(Silence(ask.model))])
    late = Silence.TOO_LATE

    said = [await client.ask(each) for each in (ASK, replace(ASK, model=late.value), ASK)]

    assert said[0] == WELL
    assert [each.why for each in said if isinstance(each, Unanswered)] == [late, Silence.REJECTED]
    assert [each.model for each in client.asks] == ["model-1", "too_late", "model-1"]
