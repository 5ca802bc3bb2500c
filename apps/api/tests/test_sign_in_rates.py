"""Who guesses is slowed down, whichever process is asked: trap T40."""

import re
from dataclasses import replace
from datetime import timedelta

from cronicorn_domain.identity import new_uuid
from cronicorn_domain.model.rate import Rate
from cronicorn_management.sign_in_rates import SIGN_IN_RATES

OURS = {"sec-fetch-site": "same-origin"}
HERE, THERE = "127.0.0.21", "127.0.0.22"
OF_TWO = Rate(count=2, per=timedelta(hours=1))
OF_THREE = Rate(count=3, per=timedelta(hours=1))


def guessed(client, email: str, password: str = "guessed"):
    """Try a password."""
    return client.post("/auth/sign-in/email", json={"email": email, "password": password})


def test_an_account_is_guessed_slowly_over_all_processes(serve, somebody) -> None:
    """Its own password is no help by then; it is said when to come back."""
    rates = replace(SIGN_IN_RATES, per_account=OF_TWO, per_account_here=OF_TWO)
    first, second = (serve(sign_in_rates=rates) for _ in range(2))
    with first.client(address=HERE) as here, second.client(address=THERE) as there:
        tried = [guessed(each, somebody.email) for each in (here, there)]
        refused = guessed(here, somebody.email, somebody.password)

        assert [each.status_code for each in tried] == [401, 401]
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) == refused.json()["retryAfter"] > 1000
        assert guessed(there, f"{new_uuid()}@example.org").status_code == 401


def test_an_address_guesses_slowly(serve, somebody) -> None:
    """However many accounts it names; who comes from elsewhere signs in."""
    service = serve(sign_in_rates=replace(SIGN_IN_RATES, per_address=OF_THREE))
    with service.client(address="127.0.0.23") as guessing, service.client(address=THERE) as honest:
        tried = [guessed(guessing, f"{new_uuid()}@example.org").status_code for _ in range(4)]

        assert tried == [401, 401, 401, 429]
        assert guessed(honest, somebody.email, somebody.password).status_code == 200


def test_the_page_says_so(serve, somebody) -> None:
    """In words, with the status, and with when to come back."""
    service = serve(sign_in_rates=replace(SIGN_IN_RATES, per_account_here=OF_TWO))
    fields = {"email": somebody.email, "password": "guessed"}
    page = f"{service.url.removesuffix('/api')}/sign-in"
    with service.client(address=HERE) as browser:
        answers = [browser.post(page, data=fields, headers=OURS) for _ in range(3)]

    assert [each.status_code for each in answers] == [401, 401, 429]
    assert re.search(r"tried too often. Try again in (\d+ min|1 h)\.", answers[2].text)


def test_an_address_asks_for_few_devices(serve) -> None:
    """Each is a row that is kept for a while."""
    service = serve(sign_in_rates=replace(SIGN_IN_RATES, devices_per_address=OF_TWO))
    with service.client(address="127.0.0.24") as device:
        asked = [device.post("/auth/device/code", json={"client_id": "a"}) for _ in range(3)]

    assert [each.status_code for each in asked] == [200, 200, 429]


def test_a_browser_that_was_let_in_before_is_let_in_again(serve, somebody) -> None:
    """By a cookie that no page reads, and that signing out leaves; whoever else guesses."""
    service = serve(sign_in_rates=replace(SIGN_IN_RATES, per_account=OF_TWO))
    with (
        service.client(address="127.0.0.25") as browser,
        service.client(address="127.0.0.26") as stranger,
    ):
        first = guessed(browser, somebody.email, somebody.password)
        (cookie,) = [
            each for each in first.headers.get_list("set-cookie") if "cronicorn_device" in each
        ]
        browser.post("/auth/sign-out", headers=OURS)
        tried = [guessed(stranger, somebody.email).status_code for _ in range(2)]
        again = guessed(browser, somebody.email, somebody.password)

        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert tried == [401, 429]
        assert again.status_code == 200
        assert guessed(stranger, somebody.email, somebody.password).status_code == 429
