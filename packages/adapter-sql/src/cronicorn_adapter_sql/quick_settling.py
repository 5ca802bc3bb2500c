"""
Settles what this process has claimed itself, without reading it again.

The situation that the claim left is still what the store holds as long as the endpoint's revision
is the same. So the domain decides first, and the write looks at the revision: whatever was written
meanwhile (a hint, a pause, an edit, a trigger) is seen by that, and such a run is left to be
settled from what the store then holds. So is one whose endpoint somebody has locked, one that is an
occasion for alerts if its tenant has any (their notices are written with the result), one that the
AI planner may want to look at, and one whose slot lies days before the others': those would have
each looked for in many partitions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import Token
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Outcome, Run
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.alerting import happening_after_run
from cronicorn_domain.policies.analysing import is_worth_a_look
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.lapsing import unlapsed
from cronicorn_domain.policies.settling import settle, settled_run
from cronicorn_domain.ports.endpoint_queue import Settlement

from cronicorn_adapter_sql.breakers import Heard, called_by
from cronicorn_adapter_sql.changes import Brought
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.kept_connection import kept_statement
from cronicorn_adapter_sql.known import HeldRun, Known, Remembered
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.mapping_runs import values_of_body, values_of_ended
from cronicorn_adapter_sql.mapping_states import values_of_record, values_of_state
from cronicorn_adapter_sql.roll_ups import values_of_roll_up
from cronicorn_adapter_sql.run_ends import settle_one
from cronicorn_adapter_sql.settle_statements import standing_revisions, write_settled
from cronicorn_adapter_sql.sibling_triggers import trigger_asked
from cronicorn_adapter_sql.situations import ReadEndpoint
from cronicorn_adapter_sql.slot_spans import LONGEST
from cronicorn_adapter_sql.transaction import Database


@quickly_made
@dataclass(frozen=True, slots=True)
class _Ended:
    """A run that the domain has settled: its row, and what follows for its endpoint."""

    token: Token
    revision: int
    edition: int
    state_at: str | None
    outcome: Outcome
    run: Run
    after: Situation
    change: Change
    due_at: datetime | None
    tells: bool
    worth_a_look: bool


class QuickSettling:
    """Settles remembered runs whose endpoints have not changed since they were claimed."""

    def __init__(self, database: Database, known: Known, heard: Heard) -> None:
        self._database = database
        self._known = known
        self._heard = heard
        self._sqlite = database.engine.dialect.name == "sqlite"
        self._connected = kept_statement(database.engine, "settle")

    def together(self, settlements: Sequence[Settlement]) -> Iterable[Sequence[Settlement]]:
        """Part them into what one statement can settle: by place, or by index."""
        placed: list[Settlement] = []
        others: list[Settlement] = []
        for each in settlements:
            held = self._known.held(each.token)
            (others if held is None or held.state_at is None else placed).append(each)
        return filter(None, (placed, others))

    async def settle(self, settlements: Sequence[Settlement], now: datetime) -> Sequence[Token]:
        """
        Settle what can be, all of it or nothing, and return the tokens; the rest is untouched.

        They are those that go ``together``.

        Raises:
            StoreError: nothing was written.
        """
        held = [
            (run, settlement)
            for settlement in settlements
            if (run := self._known.held(settlement.token)) is not None
        ]
        if not held:
            return []
        if self._sqlite:
            return await self._settle_on_sqlite(held, now)
        newest = max(run.run.slot for run, _ in held)
        decided = [_ended(*one, now) for one in held if newest - one[0].run.slot <= LONGEST]
        ended = {each.token: each for each in decided if _is_plain(each)}
        if not ended:
            return []
        with translated():
            async with self._connected() as connection:
                accepted = await write_settled(
                    connection,
                    [_values(each, now) for each in ended.values()],
                    [values for each in ended.values() for values in _records(each)],
                    [each.run.slot for each in ended.values()],
                )
        for token, troubled in accepted.items():
            each = ended[token]
            self._known.keep(each.after, revision=each.revision + 1, edition=each.edition)
            self._heard.hear(
                called_by(ended[token].after.endpoint), ended[token].outcome, well=not troubled
            )
        self._known.let_go(accepted)
        self._database.committed(self._brought((ended[token] for token in accepted), now))
        return list(accepted)

    def _brought(self, ended: Iterable[_Ended], now: datetime) -> Brought:
        """
        Tell what is claimable next, and what was recorded.

        Whoever claims here takes it in time. Others are told only where nobody does: a process that
        is full, or drains.
        """
        brought = Brought()
        for each in ended:
            brought.record(each.change.records)
            if each.due_at is not None:
                brought.put_in(each.due_at, now, before=None)
        brought.soon = brought.soon and not self._database.signal.heeded
        return brought

    async def _settle_on_sqlite(
        self, held: Sequence[tuple[HeldRun, Settlement]], now: datetime
    ) -> Sequence[Token]:
        """Look at the revisions, and write as any other transaction does: no trip is saved here."""
        after: dict[Token, Remembered] = {}
        said: dict[Token, tuple[Endpoint, Outcome, bool]] = {}
        async with self._database.begin(self._connected) as transaction:
            tokens = [settlement.token for _, settlement in held]
            found = await standing_revisions(transaction.connection, tokens)
            for run, settlement in held:
                lease = run.situation.lease
                revision, troubled = found.get(settlement.token, (None, False))
                if lease is None or revision != run.revision:
                    continue
                read = ReadEndpoint(
                    situation=unlapsed(run.situation, now),
                    due_at=None,
                    revision=run.revision,
                    edition=run.edition,
                )
                left = settle_one(transaction, read, lease, settlement, now)
                if left is not None:
                    after[lease.token] = Remembered(left, run.revision + 1, run.edition + 1)
                    said[lease.token] = (left.endpoint, settlement.outcome, not troubled)
            await trigger_asked(transaction, now)
        for endpoint, outcome, well in said.values():
            self._heard.hear(called_by(endpoint), outcome, well=well)
        for one in after.values():
            self._known.keep(one.situation, revision=one.revision, edition=one.edition)
        self._known.let_go(after)
        return list(after)


def _is_plain(ended: _Ended) -> bool:
    """
    Say whether one statement can write it.

    A hint or a pause that a response asks for, slots that another record may be prolonged by, and a
    streak of failures that the planner looks at, are written with care, like any other.
    """
    change = ended.change
    told_of = change.is_asked_for or ended.worth_a_look
    return not told_of and all(each.follows is None for each in change.records)


def _ended(held: HeldRun, settlement: Settlement, now: datetime) -> _Ended:
    situation = unlapsed(held.situation, now)
    change = settle(situation, settlement, now)
    happening = happening_after_run(situation, change.state, None, now)
    after = situation.after_the_run(change.state)
    return _Ended(
        token=settlement.token,
        revision=held.revision,
        edition=held.edition,
        state_at=held.state_at,
        outcome=settlement.outcome,
        run=settled_run(held.run, settlement, change.remark),
        after=after,
        change=change,
        due_at=claimable_from(after, now),
        tells=happening is not None,
        worth_a_look=happening is not None and is_worth_a_look(happening),
    )


def _values(ended: _Ended, now: datetime) -> Values:
    """Return everything that is written of a run and its endpoint, as one row."""
    plan, body = ended.change.state.next_plan, values_of_body(ended.run)
    return {
        "token": ended.token,
        "known_revision": ended.revision,
        "state_at": ended.state_at,
        "tells": ended.tells,
        **values_of_state(ended.change.state),
        **values_of_ended(ended.run),
        **(values_of_roll_up(ended.run, now) or {}),
        **({f"body_{name}": value for name, value in body.items()} if body else {}),
        "due_at": ended.due_at,
        "next_slot": None if plan is None else plan.slot,
        "host": ended.after.endpoint.request.host,
    }


def _records(ended: _Ended) -> list[Values]:
    return [values_of_record(ended.after.endpoint, each) for each in ended.change.records]
