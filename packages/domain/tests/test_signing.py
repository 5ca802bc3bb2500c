"""Which requests are signed, with which keys, and that none goes out unsigned that must not."""

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId, new_uuid
from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.model.endpoint import Header
from cronicorn_domain.model.signing import (
    NoKeys,
    Scheme,
    Signatory,
    Signing,
    SigningKey,
    signing_key_of,
)
from cronicorn_domain.policies.signing import message_id_of, signatory_for
from cronicorn_domain.testing.builders import EPOCH, HOUR, a_signing_key, signing_keys

ENDPOINT = EndpointId(new_uuid())
OUT_OF_REACH = NoKeys(reason="its key is not at hand")


def signing(wanted: Signing, keys=None) -> Signatory | NoKeys | None:
    """Ask who signs a request at the epoch."""
    return signatory_for(wanted, keys, endpoint_id=ENDPOINT, slot=EPOCH, now=EPOCH)


@pytest.mark.parametrize(
    ("wanted", "schemes"),
    [
        (Signing.WHEN_KEYED, {Scheme.STANDARD}),
        (Signing.STANDARD, {Scheme.STANDARD}),
        (Signing.OLDER, {Scheme.OLDER}),
        (Signing.BOTH, {Scheme.STANDARD, Scheme.OLDER}),
    ],
)
def test_with_a_key_it_is_signed_as_it_was_asked(wanted: Signing, schemes: set[Scheme]) -> None:
    """By each scheme that the endpoint chose, with the keys that are valid then."""
    keys = signing_keys().rotated(a_signing_key(2), now=EPOCH, overlap=HOUR)

    found = signing(wanted, keys)

    assert isinstance(found, Signatory)
    assert found.schemes == schemes
    assert found.keys == (a_signing_key(2), a_signing_key(1))
    assert found.at == EPOCH


@pytest.mark.parametrize("wanted", [Signing.STANDARD, Signing.OLDER, Signing.BOTH])
def test_what_must_be_signed_needs_a_key(wanted: Signing) -> None:
    """Without one there is a reason that says what to do, and nobody signs."""
    found = signing(wanted)

    assert isinstance(found, NoKeys)
    assert "POST /api/signing-keys" in found.reason


@pytest.mark.parametrize("wanted", [each for each in Signing if each is not Signing.OFF])
def test_keys_out_of_reach_are_not_none(wanted: Signing) -> None:
    """There may be one: nothing goes out unsigned because it cannot be read."""
    assert signing(wanted, OUT_OF_REACH) == OUT_OF_REACH


@pytest.mark.parametrize("keys", [None, OUT_OF_REACH, signing_keys()])
def test_what_is_off_is_not_signed(keys) -> None:
    """Whatever keys there are."""
    assert signing(Signing.OFF, keys) is None


def test_without_a_key_the_usual_goes_out_unsigned() -> None:
    """Signing begins with the first key."""
    assert signing(Signing.WHEN_KEYED) is None


def test_a_message_is_known_by_its_fire_time() -> None:
    """Its id is another for each slot and endpoint, and holds no full stop, which would end it."""
    slots = [EPOCH, EPOCH + MILLISECOND]
    endpoints = [ENDPOINT, EndpointId(new_uuid())]
    found = {message_id_of(endpoint, slot) for endpoint in endpoints for slot in slots}

    assert len(found) == 4
    assert message_id_of(ENDPOINT, EPOCH) == f"{ENDPOINT}:1735732800000"
    assert not any("." in each for each in found)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_key_says_its_bytes_and_shows_none(size: int) -> None:
    """Its text is what receivers are given; neither shows in a log."""
    key = signing_key_of(bytes(range(size)))

    assert key == SigningKey(text=key.text)
    assert key.material == bytes(range(size))
    assert key.text not in repr((key, signing_keys()))
    assert key.prefix == key.text[:10]


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "whsec_abc", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_ä"],
)
def test_what_could_be_guessed_is_no_key(text: str) -> None:
    """Nor is what has no mark, or is no base64; the message repeats nothing of it."""
    with pytest.raises(InvalidInput) as refusal:
        SigningKey(text=text)

    assert len(text) < 12 or text not in str(refusal.value)


@pytest.mark.parametrize("size", [23, 65])
def test_a_key_has_24_to_64_bytes(size: int) -> None:
    """Fewer could be guessed, and more are not in the standard."""
    with pytest.raises(InvalidInput):
        signing_key_of(bytes(size))


@pytest.mark.parametrize(
    "name",
    [
        "webhook-id",
        "Webhook-Timestamp",
        "webhook-signature",
        "webhook-anything",
        "X-Cronicorn-Signature",
        "x-cronicorn-timestamp",
    ],
)
def test_signatures_are_ours_to_send(name: str) -> None:
    """A user's own header cannot pretend to be one."""
    with pytest.raises(InvalidInput):
        Header(name=name, value="v1,forged")
