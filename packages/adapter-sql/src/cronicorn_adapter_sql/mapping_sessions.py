"""Sessions, suggestions and analyses, and their rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

import orjson
from cronicorn_domain.errors import InvalidInput, UnreadableRow
from cronicorn_domain.identity import (
    EndpointId,
    JobId,
    SessionId,
    SuggestionId,
    TenantId,
    WorkerId,
)
from cronicorn_domain.model.decision import Source
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
    Analysis,
    Caveat,
    Ending,
    MadeCall,
    NextRun,
    Session,
    Suggestion,
    SuggestionState,
)

from cronicorn_adapter_sql.lengths import from_microseconds, to_microseconds
from cronicorn_adapter_sql.mapping_jobs import Columns, Values


def values_of_analysis(analysis: Analysis) -> Values:
    """Return the values of an analysis's row."""
    return {
        "endpoint_id": analysis.endpoint_id,
        "tenant": analysis.tenant,
        "job_id": analysis.job_id,
        "next_at": analysis.next_at,
        "cause": analysis.cause,
        "not_before": analysis.not_before,
        "failures": analysis.failures,
        "lease": analysis.lease,
        "worker": analysis.worker,
        "leased_until": analysis.leased_until,
        "taken_at": analysis.taken_at,
        "looked_at": analysis.looked_at,
    }


def analysis_from(row: Columns) -> Analysis:
    """Return the analysis of a row."""
    lease, worker = row["lease"], row["worker"]
    return Analysis(
        endpoint_id=EndpointId(row["endpoint_id"]),
        tenant=TenantId(row["tenant"]),
        job_id=JobId(row["job_id"]),
        next_at=row["next_at"],
        cause=row["cause"],
        not_before=row["not_before"],
        failures=row["failures"],
        lease=None if lease is None else SessionId(lease),
        worker=None if worker is None else WorkerId(worker),
        leased_until=row["leased_until"],
        taken_at=row["taken_at"],
        looked_at=row["looked_at"],
    )


def values_of_session(session: Session, job_id: JobId) -> Values:
    """Return the values of a session's row."""
    document = {
        "prompt": session.prompt,
        "calls": [[each.tool, each.arguments, each.result] for each in session.calls],
        "caveats": [[each.code, each.message] for each in session.caveats],
        "before": _next_run_written(session.before),
        "after": _next_run_written(session.after),
    }
    return {
        "id": session.id,
        "tenant": session.tenant,
        "endpoint_id": session.endpoint_id,
        "job_id": job_id,
        "cause": session.cause,
        "mode": session.mode.value,
        "model": session.model,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "ending": session.ending.value,
        "next_analysis_at": session.next_analysis_at,
        "reasoning": session.reasoning,
        "tokens_in": session.tokens_in,
        "tokens_out": session.tokens_out,
        "cost": session.cost,
        "error": session.error,
        "document": orjson.dumps(document).decode(),
    }


def session_from(row: Columns, *, whole: bool = True) -> Session:
    """Return the session of a row, with its prompt and calls or not. Raises ``UnreadableRow``."""
    try:
        document = orjson.loads(row["document"])
        return Session(
            id=SessionId(row["id"]),
            tenant=TenantId(row["tenant"]),
            endpoint_id=EndpointId(row["endpoint_id"]),
            cause=row["cause"],
            mode=AiMode(row["mode"]),
            model=row["model"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            ending=Ending(row["ending"]),
            next_analysis_at=row["next_analysis_at"],
            prompt=document["prompt"] if whole else "",
            calls=tuple(_call_from(each) for each in document["calls"]) if whole else (),
            reasoning=row["reasoning"],
            caveats=tuple(Caveat(code=code, message=text) for code, text in document["caveats"]),
            tokens_in=row["tokens_in"],
            tokens_out=row["tokens_out"],
            cost=row["cost"],
            before=_next_run_from(document["before"]),
            after=_next_run_from(document["after"]),
            error=row["error"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableRow(f"session {row['id']}", str(error)) from error


def values_of_suggestion(suggestion: Suggestion) -> Values:
    """Return the values of a suggestion's row."""
    return {
        "id": suggestion.id,
        "tenant": suggestion.tenant,
        "endpoint_id": suggestion.endpoint_id,
        "session_id": suggestion.session_id,
        "proposal": orjson.dumps(_proposal_written(suggestion.proposal)).decode(),
        "created_at": suggestion.created_at,
        "expires_at": suggestion.expires_at,
        "state": suggestion.state.value,
        "decided_at": suggestion.decided_at,
        "decided_by": suggestion.decided_by,
    }


def suggestion_from(row: Columns) -> Suggestion:
    """Return the suggestion of a row. Raises ``UnreadableRow``."""
    try:
        return Suggestion(
            id=SuggestionId(row["id"]),
            tenant=TenantId(row["tenant"]),
            endpoint_id=EndpointId(row["endpoint_id"]),
            session_id=SessionId(row["session_id"]),
            proposal=_proposal_from(orjson.loads(row["proposal"])),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            state=SuggestionState(row["state"]),
            decided_at=row["decided_at"],
            decided_by=row["decided_by"],
        )
    except (ValueError, KeyError, TypeError, InvalidInput) as error:
        raise UnreadableRow(f"suggestion {row['id']}", str(error)) from error


def _call_from(written: list[str]) -> MadeCall:
    tool, arguments, result = written
    return MadeCall(tool=tool, arguments=arguments, result=result)


def _next_run_written(run: NextRun | None) -> list[str] | None:
    return None if run is None else [run.due_at.isoformat(), run.source.value]


def _next_run_from(written: list[str] | None) -> NextRun | None:
    if written is None:
        return None
    due_at, source = written
    return NextRun(due_at=datetime.fromisoformat(due_at), source=Source(source))


def _proposal_written(proposal: Proposal) -> Mapping[str, Any]:
    said: dict[str, Any]
    match proposal:
        case ProposeInterval(every=every, life=life):
            said = {"interval": to_microseconds(every), "life": to_microseconds(life)}
        case ProposeRun(at=at, life=life):
            said = {"run": at.isoformat(), "life": to_microseconds(life)}
        case ProposePause(until=until):
            said = {"pause": until.isoformat()}
        case ProposeClearing():
            said = {"clear": True}
        case ProposeTrigger(name=name):
            said = {"trigger": name}
        case _:
            assert_never(proposal)
    return {**said, "reason": proposal.reason}


def _proposal_from(said: Mapping[str, Any]) -> Proposal:
    reason = said["reason"]
    match said:
        case {"interval": every, "life": life}:
            return ProposeInterval(
                every=from_microseconds(every), life=from_microseconds(life), reason=reason
            )
        case {"run": at, "life": life}:
            return ProposeRun(
                at=datetime.fromisoformat(at), life=from_microseconds(life), reason=reason
            )
        case {"pause": until}:
            return ProposePause(until=datetime.fromisoformat(until), reason=reason)
        case {"clear": _}:
            return ProposeClearing(reason=reason)
        case {"trigger": name}:
            return ProposeTrigger(name=name, reason=reason)
        case _:
            raise ValueError(f"{sorted(said)} is no proposal")
