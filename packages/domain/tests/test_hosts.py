"""Which host a request goes to."""

import pytest
from cronicorn_domain.model.endpoint import HttpRequest
from cronicorn_domain.model.hosts import host_of

HOSTS = {
    "https://shop.example/a": "shop.example",
    "HTTPS://Shop.EXAMPLE/A": "shop.example",
    "https://shop.example:443/": "shop.example",
    "http://shop.example:80": "shop.example",
    "http://shop.example:443/": "shop.example:443",
    "https://shop.example:8443?x=1": "shop.example:8443",
    "https://shop.example./": "shop.example",
    "https://user:secret@shop.example/": "shop.example",
    "http://127.0.0.1:9000/health": "127.0.0.1:9000",
    "http://[::1]/": "[::1]",
    "http://[::1]:8080/": "[::1]:8080",
}
NO_HOSTS = ("shop", "http://", "http://[::1", "http://shop.example:99999/", "http:///path", ":")


@pytest.mark.parametrize("url", HOSTS)
def test_the_host_is_one_however_it_is_written(url: str) -> None:
    """Capitals, the usual port, a final dot and credentials make no other host of it."""
    assert host_of(url) == HOSTS[url]
    assert HttpRequest(url=url).host == HOSTS[url]


@pytest.mark.parametrize("url", NO_HOSTS)
def test_a_url_that_cannot_be_read_has_no_host(url: str) -> None:
    """Whatever a store may hold, asking for its host raises nothing: trap T15."""
    assert host_of(url) == ""
