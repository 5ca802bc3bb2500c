"""The SQL catalog keeps the contract."""

import pytest
from cronicorn_domain.testing.job_catalog_archive_contract import JobCatalogArchiveContract
from cronicorn_domain.testing.job_catalog_bulk_contract import JobCatalogBulkContract
from cronicorn_domain.testing.job_catalog_contract import JobCatalogContract
from cronicorn_domain.testing.job_catalog_counts_contract import JobCatalogCountsContract
from cronicorn_domain.testing.job_catalog_endpoints_contract import JobCatalogEndpointsContract
from cronicorn_domain.testing.job_catalog_keys_contract import JobCatalogKeysContract
from cronicorn_domain.testing.store import Store


class Sql:
    """Gives the suites a store on SQL, on either dialect in turn."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store


class TestJobs(Sql, JobCatalogContract):
    """Jobs and their states."""


class TestEndpoints(Sql, JobCatalogEndpointsContract):
    """Endpoints and their edits."""


class TestArchive(Sql, JobCatalogArchiveContract):
    """What is retired, and brought back."""


class TestMany(Sql, JobCatalogBulkContract):
    """Many endpoints at once."""


class TestKeys(Sql, JobCatalogKeysContract):
    """What other systems call them."""


class TestCounts(Sql, JobCatalogCountsContract):
    """What is counted, and held meanwhile."""
