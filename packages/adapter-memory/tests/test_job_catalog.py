"""The memory catalog keeps the contract."""

import pytest
from cronicorn_domain.testing.job_catalog_archive_contract import JobCatalogArchiveContract
from cronicorn_domain.testing.job_catalog_bulk_contract import JobCatalogBulkContract
from cronicorn_domain.testing.job_catalog_contract import JobCatalogContract
from cronicorn_domain.testing.job_catalog_counts_contract import JobCatalogCountsContract
from cronicorn_domain.testing.job_catalog_endpoints_contract import JobCatalogEndpointsContract
from cronicorn_domain.testing.job_catalog_keys_contract import JobCatalogKeysContract
from cronicorn_domain.testing.store import Store


class Memory:
    """Gives the suites a store in memory."""

    @pytest.fixture
    async def store(self, memory: Store) -> Store:
        """Provide an empty store in memory."""
        return memory


class TestJobs(Memory, JobCatalogContract):
    """Jobs and their states."""


class TestEndpoints(Memory, JobCatalogEndpointsContract):
    """Endpoints and their edits."""


class TestArchive(Memory, JobCatalogArchiveContract):
    """What is retired, and brought back."""


class TestMany(Memory, JobCatalogBulkContract):
    """Many endpoints at once."""


class TestKeys(Memory, JobCatalogKeysContract):
    """What other systems call them."""


class TestCounts(Memory, JobCatalogCountsContract):
    """What is counted, and held meanwhile."""
