"""Rules that let everything out keep the contract of all rules."""

import pytest
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_domain.testing.egress_rules_contract import NOT_PUBLIC, EgressRulesContract


class TestEveryUrlAllowed(EgressRulesContract):
    """Nothing is guarded, since nothing is sent."""

    @pytest.fixture
    def rules(self) -> EgressRules:
        """Give the rules."""
        return EveryUrlAllowed()

    @pytest.mark.parametrize("url", NOT_PUBLIC)
    def test_private_addresses_are_let_out(self, rules: EgressRules, url: str) -> None:
        """What would be refused on a network is accepted here."""
        rules.check(url)
