"""Lets the contract suites show values when they fail."""

import pytest

pytest.register_assert_rewrite("cronicorn_domain.testing")
