"""Model clients: one answer for each ask, whatever a vendor does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import pytest

from cronicorn_domain.model.conversation import (
    NO_USAGE,
    Answer,
    Ask,
    BrokenCall,
    Finish,
    Result,
    Said,
    Silence,
    Told,
    Tool,
    ToolCall,
    Unanswered,
    Usage,
)
from cronicorn_domain.ports.model_client import ModelClient

KEY = "sk-hunter2"
USAGE = Usage(tokens_in=20, tokens_out=10)
RETRY_AFTER = timedelta(seconds=7)
HINT = Tool(
    name="propose_interval",
    description="Proposes how often it runs.",
    parameters={
        "type": "object",
        "properties": {"seconds": {"type": "integer"}, "reason": {"type": "string"}},
        "required": ["seconds"],
    },
)
CALL = ToolCall(id="call-1", tool=HINT.name, arguments={"seconds": 30})
ASK = Ask(
    model="model-1",
    instructions="You watch an endpoint.",
    messages=(Told("It failed."),),
    tools=(HINT,),
    timeout=timedelta(seconds=20),
)
HASTY = replace(ASK, timeout=timedelta(milliseconds=300))


class Scene(StrEnum):
    """What a vendor does with an ask; all but the last ones answer with 200."""

    TEXT = "the text 'All is well.'"
    CALLS = "a call of the tool, as CALL says"
    BROKEN_CALL = "a call whose arguments are {seconds: 30"
    CUT_CALL = "a call whose arguments end in the middle, as it may write no more"
    CUT_TEXT = "a text that ends in the middle, as it may write no more"
    WITHHELD = "nothing, since a filter keeps it back"
    NO_USAGE = "the text, without a word of usage"
    ABSURD_USAGE = "the text, and a usage of 10^18 tokens"
    NEGATIVE_USAGE = "the text, and a usage below nothing"
    NO_JSON = "a page of HTML"
    CUT_BODY = "a body that ends in the middle, with the connection"
    HANGS = "nothing, for ever"
    TOO_MANY = "429, with a Retry-After of 7 seconds"
    OVERLOADED = "503"
    BROKEN = "500"
    WRONG_KEY = "401, and the key that was given"


ClientMaker = Callable[[Scene], ModelClient]
"""Gives a client whose vendor plays a scene, for each ask."""


class ModelClientContract:
    """What holds for every client."""

    make: ClientMaker

    @pytest.fixture
    async def client_maker(self) -> ClientMaker:
        """Provide what makes clients."""
        raise NotImplementedError("the adapter's test class provides the clients")

    @pytest.fixture(autouse=True)
    def _use(self, client_maker: ClientMaker) -> None:
        self.make = client_maker

    def requests(self) -> int | None:
        """Return how many requests a vendor has had; None: nobody counts them."""
        return None

    async def answered(self, scene: Scene, ask: Ask = ASK) -> Answer:
        """Play a scene, and expect an answer."""
        answer = await self.make(scene).ask(ask)
        assert isinstance(answer, Answer), answer
        return answer

    async def unanswered(self, scene: Scene, ask: Ask = ASK) -> Unanswered:
        """Play a scene, and expect none."""
        answer = await self.make(scene).ask(ask)
        assert isinstance(answer, Unanswered), answer
        assert self.requests() in {1, None}
        assert KEY not in answer.message
        return answer

    async def test_a_text_is_an_answer(self) -> None:
        """What it says and what it cost come back."""
        answer = await self.answered(Scene.TEXT)

        assert (answer.text, answer.calls) == ("All is well.", ())
        assert (answer.finish, answer.usage) == (Finish.DONE, USAGE)

    async def test_a_call_comes_with_its_arguments(self) -> None:
        """Which tool, with what, and under which id its result is to be told."""
        answer = await self.answered(Scene.CALLS, replace(ASK, must_call=True))

        assert answer.calls == (CALL,)
        assert answer.finish is Finish.DONE

    async def test_what_was_said_before_goes_along(self) -> None:
        """A conversation with calls, broken ones too, and their results is taken as it is."""
        broken = BrokenCall(id="call-2", tool=HINT.name, said="{seconds")
        said = Said(text="Let me see.", calls=(CALL, broken))
        results = (Result(call=CALL, text="Done."), Result(call=broken, text="That is no JSON."))

        answer = await self.answered(
            Scene.TEXT, replace(ASK, messages=(*ASK.messages, said, *results))
        )

        assert answer.text == "All is well."

    @pytest.mark.parametrize("scene", [Scene.BROKEN_CALL, Scene.CUT_CALL])
    async def test_a_call_that_is_broken_is_told_as_such(self, scene: Scene) -> None:
        """Its arguments are not mended, nor taken for something that they are not."""
        answer = await self.answered(scene)

        (call,) = answer.calls
        assert isinstance(call, BrokenCall)
        assert (call.tool, call.said[:8]) == (HINT.name, "{seconds")
        assert (answer.finish is Finish.CUT) == (scene is Scene.CUT_CALL)
        assert answer.usage == USAGE

    async def test_an_answer_that_is_cut_says_so(self) -> None:
        """It had more to say than it may."""
        answer = await self.answered(Scene.CUT_TEXT)

        assert (answer.text, answer.finish) == ("All is", Finish.CUT)

    async def test_an_answer_that_is_withheld_says_so(self) -> None:
        """A vendor's filter is no fault of the line."""
        answer = await self.answered(Scene.WITHHELD)

        assert (answer.text, answer.calls, answer.finish) == ("", (), Finish.WITHHELD)

    @pytest.mark.parametrize("scene", [Scene.NO_USAGE, Scene.ABSURD_USAGE, Scene.NEGATIVE_USAGE])
    async def test_usage_that_is_not_told_or_cannot_be_is_unknown(self, scene: Scene) -> None:
        """
        It is not nothing: whoever has reserved for it pays all of that.

        A client may find the whole answer unreadable for it; what it cost is unknown as well.
        """
        answer = await self.make(scene).ask(ASK)

        assert answer.usage is None
        if isinstance(answer, Answer):
            assert answer.text == "All is well."
        else:
            assert answer.why is Silence.UNREADABLE

    async def test_a_vendor_may_ask_to_wait(self) -> None:
        """How long is told, and it cost nothing; nobody has tried again."""
        answer = await self.unanswered(Scene.TOO_MANY)

        assert (answer.why, answer.retry_after) == (Silence.TOO_MANY, RETRY_AFTER)
        assert answer.usage == NO_USAGE
        assert answer.may_heal

    @pytest.mark.parametrize(
        ("scene", "why"),
        [(Scene.OVERLOADED, Silence.OVERLOADED), (Scene.BROKEN, Silence.BROKEN)],
    )
    async def test_a_vendor_may_be_down(self, scene: Scene, why: Silence) -> None:
        """One request, no answer; the same may work later."""
        answer = await self.unanswered(scene)

        assert (answer.why, answer.may_heal) == (why, True)

    async def test_a_wrong_key_stays_wrong(self) -> None:
        """Trap T43: it is no use to try again, and the message does not tell the key."""
        answer = await self.unanswered(Scene.WRONG_KEY)

        assert (answer.why, answer.usage) == (Silence.REJECTED, NO_USAGE)
        assert not answer.may_heal

    @pytest.mark.parametrize("scene", [Scene.NO_JSON, Scene.CUT_BODY])
    async def test_what_cannot_be_read_may_have_cost_something(self, scene: Scene) -> None:
        """The vendor did answer: what it cost is unknown."""
        answer = await self.unanswered(scene)

        assert answer.why in {Silence.UNREADABLE, Silence.UNREACHABLE}
        assert answer.usage is None

    async def test_an_answer_that_does_not_come_is_not_waited_for(self) -> None:
        """Trap T35: at the end of its time it is over; what it cost is unknown."""
        answer = await self.unanswered(Scene.HANGS, HASTY)

        assert (answer.why, answer.usage) == (Silence.TOO_LATE, None)
        assert answer.may_heal
