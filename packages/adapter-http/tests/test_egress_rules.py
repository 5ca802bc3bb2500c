"""The egress guard keeps the contract of `EgressRules`."""

import pytest
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_domain.testing.egress_rules_contract import GuardingEgressRulesContract


class TestEgressGuard(GuardingEgressRulesContract):
    """The guard without exceptions."""

    @pytest.fixture
    def rules(self) -> EgressRules:
        """Allow nothing."""
        return EgressGuard(AllowList())
