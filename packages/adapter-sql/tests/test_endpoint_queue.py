"""The SQL queue keeps the contract."""

import pytest
from cronicorn_domain.testing.endpoint_queue_alerts_contract import EndpointQueueAlertsContract
from cronicorn_domain.testing.endpoint_queue_asking_contract import EndpointQueueAskingContract
from cronicorn_domain.testing.endpoint_queue_breaker_contract import EndpointQueueBreakerContract
from cronicorn_domain.testing.endpoint_queue_caps_contract import EndpointQueueCapsContract
from cronicorn_domain.testing.endpoint_queue_concurrency_contract import (
    EndpointQueueConcurrencyContract,
)
from cronicorn_domain.testing.endpoint_queue_contract import EndpointQueueContract
from cronicorn_domain.testing.endpoint_queue_deferral_contract import EndpointQueueDeferralContract
from cronicorn_domain.testing.endpoint_queue_interventions_contract import (
    EndpointQueueInterventionsContract,
)
from cronicorn_domain.testing.endpoint_queue_isolation_contract import (
    EndpointQueueIsolationContract,
)
from cronicorn_domain.testing.endpoint_queue_lease_contract import EndpointQueueLeaseContract
from cronicorn_domain.testing.endpoint_queue_release_contract import EndpointQueueReleaseContract
from cronicorn_domain.testing.endpoint_queue_rhythm_contract import EndpointQueueRhythmContract
from cronicorn_domain.testing.endpoint_queue_rules_contract import EndpointQueueRulesContract
from cronicorn_domain.testing.endpoint_queue_settle_contract import EndpointQueueSettleContract
from cronicorn_domain.testing.endpoint_queue_signing_contract import EndpointQueueSigningContract
from cronicorn_domain.testing.store import Store


class Sql:
    """Gives the suites a store on SQL, on either dialect in turn."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store


class TestClaims(Sql, EndpointQueueContract):
    """What a claim brings."""


class TestConcurrency(Sql, EndpointQueueConcurrencyContract):
    """Several handles at once."""


class TestLeases(Sql, EndpointQueueLeaseContract):
    """Starts, renewals and losses."""


class TestReleases(Sql, EndpointQueueReleaseContract):
    """Claims undone."""


class TestDeferrals(Sql, EndpointQueueDeferralContract):
    """Claims undone because of a quota."""


class TestSettles(Sql, EndpointQueueSettleContract):
    """Results, and what follows them."""


class TestIsolation(Sql, EndpointQueueIsolationContract):
    """One bad item harms only itself."""


class TestInterventions(Sql, EndpointQueueInterventionsContract):
    """Writes between runs and during one."""


class TestRhythms(Sql, EndpointQueueRhythmContract):
    """Grids, gaps and long lengths."""


class TestAsking(Sql, EndpointQueueAskingContract):
    """What responses ask for."""


class TestRules(Sql, EndpointQueueRulesContract):
    """What rules said."""


class TestCaps(Sql, EndpointQueueCapsContract):
    """So many at once, for each tenant and each host."""


class TestBreakers(Sql, EndpointQueueBreakerContract):
    """Hosts that fail whoever calls them."""


class TestSigning(Sql, EndpointQueueSigningContract):
    """Keys that come with a claim."""


class TestAlerts(Sql, EndpointQueueAlertsContract):
    """Of what people are told."""
