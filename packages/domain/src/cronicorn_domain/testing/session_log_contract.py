"""Sessions are kept and read back by their tenant; suggestions wait, and are decided once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    EndpointId,
    SessionId,
    SuggestionId,
    TenantId,
    new_uuid,
)
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.proposal import (
    Proposal,
    ProposeClearing,
    ProposeInterval,
    ProposePause,
    ProposeRun,
    ProposeTrigger,
)
from cronicorn_domain.model.session import (
    Caveat,
    Ending,
    MadeCall,
    NextRun,
    Session,
    Suggestion,
    SuggestionState,
)
from cronicorn_domain.ports.session_log import SessionSelection, SessionTally
from cronicorn_domain.testing.builders import DAY, EPOCH, HOUR, MINUTE, SECOND, an_endpoint
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
ALL = SessionSelection(since=EPOCH - DAY, until=EPOCH + DAY)


def a_session(endpoint: Endpoint, at: datetime = EPOCH, *, tokens: int = 120) -> Session:
    """Return a session with everything in it."""
    return Session(
        id=SessionId(new_uuid()),
        tenant=endpoint.tenant,
        endpoint_id=endpoint.id,
        cause="its time had come",
        mode=AiMode.AUTO,
        model="gpt-5-mini",
        started_at=at,
        ended_at=at + 3 * SECOND,
        ending=Ending.DONE,
        next_analysis_at=at + HOUR,
        prompt="Look at it.",
        calls=(MadeCall(tool="get_history", arguments='{"limit": 5}', result="[]"),),
        reasoning="All is well, «said the model».",
        caveats=(Caveat(code="refused", message="too often"),),
        tokens_in=tokens - 20,
        tokens_out=20,
        cost=1234,
        before=NextRun(due_at=at + MINUTE, source=Source.BASELINE_INTERVAL),
        after=NextRun(due_at=at + SECOND, source=Source.AI_INTERVAL),
    )


def a_suggestion(
    session: Session, proposal: Proposal | None = None, *, life: timedelta = DAY
) -> Suggestion:
    """Return what a session suggests, for a day."""
    return Suggestion(
        id=SuggestionId(new_uuid()),
        tenant=session.tenant,
        endpoint_id=session.endpoint_id,
        session_id=session.id,
        proposal=proposal or ProposeClearing(reason="it is over"),
        created_at=session.ended_at,
        expires_at=session.ended_at + life,
    )


class SessionLogContract(StoreSuite):
    """What holds for sessions and suggestions."""

    async def keep(self, session: Session, *suggestions: Suggestion) -> None:
        """Keep a session."""
        async with self.unit() as unit:
            await unit.sessions.append(session, suggestions)

    async def waiting(self, now: datetime = EPOCH + MINUTE) -> Sequence[Suggestion]:
        """Read what waits."""
        async with self.unit() as unit:
            return await unit.sessions.list_suggestions(DEFAULT_TENANT, now=now)

    async def test_a_session_comes_back_as_it_was_kept(self) -> None:
        """Whole, and with its endpoint's name."""
        session = a_session(await self.add_minutely())
        bare = replace(
            session,
            id=SessionId(new_uuid()),
            ending=Ending.FAILED,
            error="the model is not there",
            before=None,
            after=None,
            cost=None,
            calls=(),
        )
        await self.keep(session)
        await self.keep(bare)

        async with self.unit() as unit:
            found = await unit.sessions.get(DEFAULT_TENANT, session.id)
            assert (found.session, found.endpoint_name) == (session, "health")
            assert (await unit.sessions.get(DEFAULT_TENANT, bare.id)).session == bare
            listed = await unit.sessions.list_sessions(DEFAULT_TENANT, session.endpoint_id)
            assert listed == [bare, session]

    async def test_what_is_not_the_tenants_is_not_there(self) -> None:
        """Neither by its id nor in a list or a count."""
        session = a_session(await self.add_minutely())
        suggestion = a_suggestion(session)
        await self.keep(session, suggestion)

        async with self.unit() as unit:
            log = unit.sessions
            with pytest.raises(NotFound):
                await log.get(OTHER_TENANT, session.id)
            assert await log.list_sessions(OTHER_TENANT, session.endpoint_id) == []
            assert await log.count_sessions(OTHER_TENANT, session.endpoint_id) == 0
            assert await log.newest(OTHER_TENANT, ALL) == []
            assert await log.count(OTHER_TENANT, ALL) == 0
            assert await log.hours(OTHER_TENANT, ALL) == []
            assert await log.list_suggestions(OTHER_TENANT, now=EPOCH) == []
            with pytest.raises(NotFound):
                await log.get_suggestion(OTHER_TENANT, suggestion.id)

    async def test_a_session_about_nothing_is_refused(self) -> None:
        """There is no such endpoint, or it is another tenant's."""
        endpoint = await self.add_minutely()
        session = a_session(endpoint)

        for each in (
            replace(session, endpoint_id=EndpointId(new_uuid())),
            replace(session, tenant=OTHER_TENANT),
        ):
            with pytest.raises(NotFound):
                await self.keep(each)

    async def test_lists_go_page_by_page(self) -> None:
        """The newest first, with how many there are in all."""
        endpoint = await self.add_minutely()
        kept = [a_session(endpoint, EPOCH + number * MINUTE) for number in range(5)]
        for session in kept:
            await self.keep(session)
        newest = kept[::-1]

        async with self.unit() as unit:
            log = unit.sessions
            page = await log.list_sessions(DEFAULT_TENANT, endpoint.id, limit=2, offset=1)
            assert page == newest[1:3]
            behind = await log.list_sessions(DEFAULT_TENANT, endpoint.id, before=newest[1].id)
            assert behind == newest[2:]
            assert await log.list_sessions(
                DEFAULT_TENANT, endpoint.id, limit=1, offset=1, before=newest[1].id
            ) == [newest[3]]
            assert await log.count_sessions(DEFAULT_TENANT, endpoint.id) == 5
            named = await log.newest(DEFAULT_TENANT, ALL, limit=2, offset=1)
            assert [each.session.id for each in named] == [each.id for each in newest[1:3]]
            assert named[0].session.prompt == ""
            assert named[0].session.calls == ()
            assert await log.count(DEFAULT_TENANT, ALL) == 5

    async def test_a_selection_holds_its_ends_its_job_and_its_endpoint(self) -> None:
        """Both instants are within; sums are by hour and endpoint."""
        mine = await self.add_minutely()
        other = await self.add(an_endpoint(await self.add_job("other"), "side"))
        for session in (
            a_session(mine, EPOCH),
            a_session(mine, EPOCH + 59 * MINUTE, tokens=80),
            a_session(other, EPOCH + HOUR),
            a_session(mine, EPOCH + HOUR + SECOND),
        ):
            await self.keep(session)
        window = SessionSelection(since=EPOCH, until=EPOCH + HOUR)

        async with self.unit() as unit:
            log = unit.sessions
            assert await log.count(DEFAULT_TENANT, window) == 3
            of_job = replace(window, job_id=mine.job_id)
            assert await log.count(DEFAULT_TENANT, of_job) == 2
            assert len(await log.newest(DEFAULT_TENANT, of_job)) == 2
            of_other = replace(window, endpoint_id=other.id)
            assert await log.count(DEFAULT_TENANT, of_other) == 1
            assert await log.count(DEFAULT_TENANT, replace(of_job, endpoint_id=other.id)) == 0
            assert await log.hours(DEFAULT_TENANT, window) == [
                SessionTally(
                    endpoint_id=mine.id,
                    endpoint_name="health",
                    begins_at=EPOCH,
                    sessions=2,
                    tokens=200,
                ),
                SessionTally(
                    endpoint_id=other.id,
                    endpoint_name="side",
                    begins_at=EPOCH + HOUR,
                    sessions=1,
                    tokens=120,
                ),
            ]

    @pytest.mark.parametrize(
        "proposal",
        [
            ProposeInterval(every=30 * SECOND, life=HOUR, reason="it sells out"),
            ProposeRun(at=EPOCH + HOUR, life=MINUTE, reason="then it opens"),
            ProposePause(until=EPOCH + HOUR, reason="it is closed"),
            ProposeClearing(reason="it is over"),
            ProposeTrigger(name="recovery", reason="it has failed"),
        ],
        ids=["interval", "run", "pause", "clear", "trigger"],
    )
    async def test_a_suggestion_waits_and_is_decided(self, proposal: Proposal) -> None:
        """It comes back as it was kept, and waits no more once it is decided."""
        session = a_session(await self.add_minutely())
        suggestion = a_suggestion(session, proposal)
        await self.keep(session, suggestion)
        assert await self.waiting() == [suggestion]

        decided = replace(
            suggestion,
            state=SuggestionState.APPROVED,
            decided_at=EPOCH + MINUTE,
            decided_by="ada",
        )
        async with self.unit() as unit:
            assert await unit.sessions.get_suggestion(DEFAULT_TENANT, suggestion.id) == suggestion
            await unit.sessions.decide(decided)

        assert await self.waiting() == []
        async with self.unit() as unit:
            assert await unit.sessions.get_suggestion(DEFAULT_TENANT, suggestion.id) == decided
            with pytest.raises(NotFound):
                await unit.sessions.decide(replace(decided, id=SuggestionId(new_uuid())))

    async def test_a_suggestion_waits_for_its_life(self) -> None:
        """Equal is over. They come page by page, the newest first."""
        session = a_session(await self.add_minutely())
        first, second = a_suggestion(session, life=HOUR), a_suggestion(session)
        await self.keep(session, first, second)

        assert await self.waiting() == [second, first]
        assert await self.waiting(first.expires_at) == [second]
        async with self.unit() as unit:
            behind = await unit.sessions.list_suggestions(
                DEFAULT_TENANT, now=EPOCH, before=second.id
            )
            assert behind == [first]

    async def test_old_sessions_go_with_what_they_suggest(self) -> None:
        """The oldest first, as many as may go at once."""
        endpoint = await self.add_minutely()
        old, young = a_session(endpoint, EPOCH - HOUR), a_session(endpoint)
        await self.keep(old, a_suggestion(old))
        await self.keep(young, kept := a_suggestion(young))

        async with self.unit() as unit:
            assert await unit.sessions.prune(before=EPOCH - HOUR, limit=10) == 0
            assert await unit.sessions.prune(before=EPOCH, limit=10) == 1

        assert await self.waiting() == [kept]
        async with self.unit() as unit:
            assert await unit.sessions.count_sessions(DEFAULT_TENANT, endpoint.id) == 1
