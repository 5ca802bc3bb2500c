"""The breakers of hosts in memory."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.breaker import FORGOTTEN_AFTER, Breaker, Trouble
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.breaking import Word, hold_back, passes_breaker, word_on_host
from cronicorn_domain.policies.change import Claim, Postponement


class Breakers:
    """Which hosts fail the calls of which tenants."""

    def __init__(self) -> None:
        self._troubles: dict[tuple[TenantId, str], Trouble] = {}
        self._failed_at: dict[tuple[TenantId, str], datetime] = {}

    def hear(self, endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
        """Count what a run says of its host."""
        key = endpoint.tenant, endpoint.request.host
        word = word_on_host(outcome)
        if word is Word.ANSWERS:
            self._troubles.pop(key, None)
        elif word is Word.FAILS:
            known = self._troubles.get(key, Trouble(host=endpoint.request.host, failures=0))
            self._troubles[key] = replace(known, failures=known.failures + 1)
            self._failed_at[key] = now

    def prune(self, now: datetime) -> int:
        """Forget hosts that have not failed for long, and return how many."""
        over = [key for key, at in self._failed_at.items() if at < now - FORGOTTEN_AFTER]
        for key in over:
            del self._failed_at[key]
        return sum(self._troubles.pop(key, None) is not None for key in over)

    def passed(
        self, breaker: Breaker | None, situation: Situation, claim: Claim, now: datetime
    ) -> Claim | Postponement:
        """Hold a call back whose host's breaker is open; one at its time goes out as a probe."""
        endpoint = situation.endpoint
        key = endpoint.tenant, endpoint.request.host
        trouble = self._troubles.get(key)
        if breaker is None or trouble is None or trouble.failures < breaker.opens_after:
            return claim
        if passes_breaker(claim):
            return claim
        if trouble.may_probe(now):
            self._troubles[key] = replace(trouble, probe_at=now + breaker.probe_every)
            return claim
        return hold_back(situation, claim, trouble, breaker, now)
