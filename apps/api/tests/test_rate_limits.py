"""Who asks too often is refused, by every process alike."""

from datetime import timedelta

import pytest
from cronicorn_api.access.rates import address_of
from cronicorn_domain.model.rate import Rate
from cronicorn_management.allowance import Allowance

MINUTE = timedelta(minutes=1)


def told(answer) -> list[int]:
    """Read what an answer tells of the rate: limit, remaining, reset."""
    return [int(answer.headers[f"x-ratelimit-{each}"]) for each in ("limit", "remaining", "reset")]


def test_a_key_over_its_rate_is_told_when_to_come_back(serve) -> None:
    """It gets 429 and never 401, whichever process it asks, and others go on; trap T40."""
    first, second = (serve(allowance=Allowance(requests_a_minute=4)) for _ in range(2))
    key = first.key(first.a_tenant())
    with first.client(key) as here, second.client(key) as there, first.client() as other:
        served = [each.get("/jobs") for each in (here, there, here, there)]
        refused = [each.get("/jobs") for each in (here, there)]

        assert [each.status_code for each in served] == [200] * 4
        assert [told(each)[:2] for each in served] == [[4, 3], [4, 2], [4, 1], [4, 0]]
        for each in refused:
            body = each.json()
            assert (each.status_code, body["code"]) == (429, "too_many_requests")
            assert int(each.headers["retry-after"]) == body["retryAfter"]
            assert 1 <= body["retryAfter"] <= 15
            assert told(each)[:2] == [4, 0]
            assert 45 <= told(each)[2] <= 60
        assert other.get("/jobs").status_code == 200


def test_an_address_over_its_rate_is_refused_whatever_it_presents(serve) -> None:
    """Before anything is looked up; those who watch the service are answered all the same."""
    service = serve(per_address=Rate(count=3, per=timedelta(hours=1)))
    key, address = service.key(service.a_tenant()), "127.0.0.9"
    with (
        service.client("no key at all", address=address) as guessing,
        service.client(key, address=address) as honest,
        service.client(key, address="127.0.0.8") as elsewhere,
    ):
        guesses = [guessing.get("/jobs") for _ in range(4)]

        assert [each.status_code for each in guesses] == [401, 401, 401, 429]
        assert told(guesses[0])[:2] == [3, 2]
        assert guesses[3].headers["x-request-id"]
        assert honest.get("/jobs").status_code == 429
        assert honest.get("/openapi.json").status_code == 429
        assert elsewhere.get("/jobs").status_code == 200
        assert honest.get("/health").status_code == 200
        assert honest.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_an_address_is_a_host(host: str, address: str) -> None:
    """Whoever has an address of IPv6 has its network, and IPv4 is IPv4 however it is written."""
    assert address_of({"client": (host, 1)}) == address


def test_who_comes_from_nowhere_is_counted_too() -> None:
    """Over a socket file there are no addresses."""
    assert address_of({"client": None}) == address_of({}) == "unknown"
