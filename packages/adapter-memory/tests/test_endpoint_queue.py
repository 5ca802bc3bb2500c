"""The memory queue keeps the contract."""

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


class Memory:
    """Gives the suites a store in memory."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory


class TestClaims(Memory, EndpointQueueContract):
    """What a claim brings."""


class TestConcurrency(Memory, EndpointQueueConcurrencyContract):
    """Several handles at once."""


class TestLeases(Memory, EndpointQueueLeaseContract):
    """Starts, renewals and losses."""


class TestReleases(Memory, EndpointQueueReleaseContract):
    """Claims undone."""


class TestDeferrals(Memory, EndpointQueueDeferralContract):
    """Claims undone because of a quota."""


class TestSettles(Memory, EndpointQueueSettleContract):
    """Results, and what follows them."""


class TestIsolation(Memory, EndpointQueueIsolationContract):
    """One bad item harms only itself."""


class TestInterventions(Memory, EndpointQueueInterventionsContract):
    """Writes between runs and during one."""


class TestRhythms(Memory, EndpointQueueRhythmContract):
    """Grids, gaps and long lengths."""


class TestAsking(Memory, EndpointQueueAskingContract):
    """What responses ask for."""


class TestRules(Memory, EndpointQueueRulesContract):
    """What rules said."""


class TestCaps(Memory, EndpointQueueCapsContract):
    """So many at once, for each tenant and each host."""


class TestBreakers(Memory, EndpointQueueBreakerContract):
    """Hosts that fail whoever calls them."""


class TestSigning(Memory, EndpointQueueSigningContract):
    """Keys that come with a claim."""


class TestAlerts(Memory, EndpointQueueAlertsContract):
    """Of what people are told."""
