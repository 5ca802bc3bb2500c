"""Quotas: how they are written, whose they are, and what a pace lets through."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId
from cronicorn_domain.model.quota import NO_QUOTA, NO_QUOTAS, Burst, Meter, Pace, Quota, Quotas
from cronicorn_domain.policies.quota_text import quotas_in
from cronicorn_domain.policies.quotas import month_of, paced
from cronicorn_domain.testing.builders import EPOCH, MINUTE

SOMEBODY = TenantId(UUID(int=5))


def test_a_number_is_for_all_and_one_with_a_name_for_one() -> None:
    """Whoever is named has that limit, zero too, and everybody else the general one."""
    quotas = quotas_in(["5000", f"{SOMEBODY}=0"], Meter.RUNS)

    assert quotas.of(DEFAULT_TENANT, Meter.RUNS) == Quota(limit=5000)
    assert quotas.of(SOMEBODY, Meter.RUNS) == Quota(limit=0)
    assert quotas.of(SOMEBODY, Meter.TOKENS) == NO_QUOTA
    assert (quotas.named(SOMEBODY), quotas.named(DEFAULT_TENANT)) == (True, False)


def test_a_pace_stands_behind_a_limit_or_alone() -> None:
    """So many asks at once, and as many again in every such time."""
    quotas = quotas_in(["5000@20/1m", f"{SOMEBODY}=@5/30s"], Meter.TOKENS)

    pace = Pace(asks=20, per=MINUTE)
    assert quotas.of(DEFAULT_TENANT, Meter.TOKENS) == Quota(limit=5000, pace=pace)
    pace = Pace(asks=5, per=timedelta(seconds=30))
    assert quotas.of(SOMEBODY, Meter.TOKENS) == Quota(pace=pace)
    (hourly,) = quotas_in(["@7/1h"], Meter.TOKENS).every.values()
    assert hourly.pace == Pace(asks=7, per=timedelta(hours=1))


@pytest.mark.parametrize(
    "entry",
    [
        *["", "many", "-5", "1.5", "me=3", "=", f"{SOMEBODY}=", "9" * 13],
        *[
            "@",
            "5@",
            "5@20",
            "5@20/",
            "5@20/1d",
            "5@0/1m",
            "5@20/0s",
            "5@x/1m",
            "5@-1/1m",
            "me=@5/1m",
        ],
    ],
)
def test_what_is_no_quota_is_refused(entry: str) -> None:
    """The message says what, and what to write."""
    with pytest.raises(InvalidInput) as refused:
        quotas_in([entry], Meter.RUNS)

    assert (refused.value.field, refused.value.remedy) == (
        "quota",
        "write N, N@ASKS/TIME such as 5000@20/1m, or the id of a tenant=N",
    )


def test_nothing_is_limited_unless_somebody_says_so() -> None:
    """A quota that is there and limits nothing is none."""
    assert not NO_QUOTAS.are_set(Meter.RUNS)
    assert not Quotas(tenants={(SOMEBODY, Meter.RUNS): Quota()}).are_set(Meter.RUNS)
    assert Quotas(every={Meter.RUNS: Quota(limit=0)}).are_set(Meter.RUNS)
    assert Quotas(tenants={(SOMEBODY, Meter.RUNS): Quota(limit=1)}).are_set(Meter.RUNS)


@pytest.mark.parametrize(
    ("asks", "per"), [(0, MINUTE), (-1, MINUTE), (1, timedelta()), (10, timedelta(microseconds=5))]
)
def test_a_pace_at_which_nobody_could_ask_is_refused(asks: int, per: timedelta) -> None:
    """Nor is one taken that the clock cannot tell apart."""
    with pytest.raises(InvalidInput):
        Pace(asks=asks, per=per)


def test_a_limit_below_nothing_is_refused() -> None:
    """Zero lets nothing through; less cannot be meant."""
    with pytest.raises(InvalidInput):
        Quota(limit=-1)


@pytest.mark.parametrize("asks", [1, 3, 7, 60, 1000])
def test_a_pace_lets_its_asks_through_at_once_and_no_more(asks: int) -> None:
    """Also where the minute cannot be divided evenly."""
    pace, begun, passed = Pace(asks=asks, per=MINUTE), None, 0
    for _ in range(asks + 5):
        answer = paced(pace, begun, EPOCH)
        if not isinstance(answer, Burst):
            begun, passed = answer, passed + 1

    assert passed == asks


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_month_is_one_of_utc_wherever_the_machine_stands(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEMANTICS 7: processes in several zones count into the same month."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    last = datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    december, january = month_of(last), month_of(last + timedelta(microseconds=1))
    monkeypatch.undo()
    time.tzset()

    assert december.begins == datetime(2024, 12, 1, tzinfo=UTC)
    assert december.ends == january.begins == datetime(2025, 1, 1, tzinfo=UTC)
    assert january.ends == datetime(2025, 2, 1, tzinfo=UTC)
