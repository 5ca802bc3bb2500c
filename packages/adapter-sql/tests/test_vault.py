"""Secret header values: unreadable at rest, bound to their place, and lost with their key only."""

import base64
import os
import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cronicorn_adapter_sql.database_url import PostgresDatabase, SqliteDatabase, parse_database_url
from cronicorn_adapter_sql.keys import (
    MAKE_A_KEY,
    SETTING,
    KeyFile,
    Keyring,
    SecretKey,
    parse_keys,
)
from cronicorn_adapter_sql.vault import Vault, vault_for
from cronicorn_domain.errors import InvalidInput, SecretsUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, TenantId, new_uuid

VALUE = "Bearer hunter2"
ENDPOINT = EndpointId(new_uuid())
HEADER = "Authorization"


def a_key(key_id: str = "k1", letter: bytes = b"a") -> SecretKey:
    """Make a key of 32 equal letters."""
    return SecretKey(id=key_id, material=letter * 32)


def encoded(letter: bytes = b"a") -> str:
    """Write that key as it is given in the setting."""
    return base64.b64encode(letter * 32).decode()


@pytest.fixture
def vault() -> Vault:
    """Give a vault with one key."""
    return Vault(Keyring([a_key()]))


@pytest.mark.parametrize("value", [VALUE, "", "é \N{SNOWMAN} \ud800", "x" * 100_000])
def test_a_sealed_value_opens_to_what_it_was(vault: Vault, value: str) -> None:
    """Whatever text was sealed comes back, also text that has no encoding."""
    token = vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, value)

    assert vault.open(DEFAULT_TENANT, ENDPOINT, HEADER, token) == value


def test_a_token_shows_its_version_and_key_and_nothing_else(vault: Vault) -> None:
    """The value cannot be read from the token, nor told equal by two of them (trap T43)."""
    tokens = [vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE) for _ in range(2)]

    assert tokens[0] != tokens[1]
    for token in tokens:
        version, key_id, content = token.split(".")
        assert (version, key_id) == ("v1", "k1")
        assert VALUE.encode() not in base64.urlsafe_b64decode(content)


def test_the_case_of_a_header_does_not_matter(vault: Vault) -> None:
    """Header names are equal whatever their case, also for what is sealed under them."""
    token = vault.seal(DEFAULT_TENANT, ENDPOINT, "Authorization", VALUE)

    assert vault.open(DEFAULT_TENANT, ENDPOINT, "AUTHORIZATION", token) == VALUE


@pytest.mark.parametrize(
    ("tenant", "endpoint", "header"),
    [
        (TenantId(new_uuid()), ENDPOINT, HEADER),
        (DEFAULT_TENANT, EndpointId(new_uuid()), HEADER),
        (DEFAULT_TENANT, ENDPOINT, "cookie"),
    ],
)
def test_a_token_moved_elsewhere_does_not_open(
    vault: Vault, tenant: TenantId, endpoint: EndpointId, header: str
) -> None:
    """A sealed value is of use to its own tenant, endpoint and header only (trap T43)."""
    token = vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)

    with pytest.raises(SecretsUnavailable) as refused:
        vault.open(tenant, endpoint, header, token)

    assert str(endpoint) in str(refused.value)
    assert VALUE not in str(refused.value)


def altered(token: str) -> str:
    """Flip a bit of the ciphertext."""
    head, _, content = token.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(content))
    raw[-1] ^= 1
    return f"{head}.{base64.urlsafe_b64encode(raw).decode()}"


@pytest.mark.parametrize(
    "damage",
    [
        altered,
        lambda token: token[:-8],
        lambda token: token.replace("v1.", "v2."),
        lambda token: token.replace(".", "", 1),
        lambda _: "v1.k1.",
        lambda _: "v1.k1.AAAA",
        lambda _: "v1.k1.!!!!",
        lambda _: VALUE,
        lambda _: "",
    ],
)
def test_a_damaged_token_is_refused(vault: Vault, damage: object) -> None:
    """Whatever is no token of ours is refused with the remedy, and without being repeated."""
    assert callable(damage)
    token = damage(vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE))

    with pytest.raises(SecretsUnavailable, match="set its value again") as refused:
        vault.open(DEFAULT_TENANT, ENDPOINT, HEADER, token)

    assert VALUE not in str(refused.value)


def test_the_first_key_seals_and_all_open() -> None:
    """A rotation puts the new key first and keeps the old one until nothing needs it."""
    old, new = a_key("old", b"a"), a_key("new", b"b")
    before = Vault(Keyring([old])).seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)
    rotated = Vault(Keyring([new, old]))

    after = rotated.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)

    assert after.startswith("v1.new.")
    assert rotated.open(DEFAULT_TENANT, ENDPOINT, HEADER, before) == VALUE
    assert rotated.open(DEFAULT_TENANT, ENDPOINT, HEADER, after) == VALUE
    with pytest.raises(SecretsUnavailable, match=f"key 'old'.*add it to {SETTING}"):
        Vault(Keyring([new])).open(DEFAULT_TENANT, ENDPOINT, HEADER, before)


def test_another_key_of_the_same_id_does_not_open() -> None:
    """A key that only has the name of the right one is noticed."""
    token = Vault(Keyring([a_key(letter=b"a")])).seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)
    with pytest.raises(SecretsUnavailable):
        Vault(Keyring([a_key(letter=b"b")])).open(DEFAULT_TENANT, ENDPOINT, HEADER, token)


class TestSetting:
    """The keys as they are given in ``CRONICORN_SECRET_KEY``."""

    def test_ids_are_given_or_made_from_the_key(self) -> None:
        """A bare key has the same id wherever it stands; ids are told apart from base64."""
        named, bare = parse_keys(f"2026-a:{encoded(b'a')}, {encoded(b'b')}")
        (alone,) = parse_keys(encoded(b"b"))

        assert (named.id, named.material) == ("2026-a", b"a" * 32)
        assert bare == alone
        assert len(bare.id) == 8

    def test_both_alphabets_of_base64_are_read(self) -> None:
        """A key may be written with ``+/`` or ``-_``."""
        material = b"\xfb\xef\xff" * 10 + b"ab"

        for text in (base64.b64encode(material), base64.urlsafe_b64encode(material)):
            assert parse_keys(text.decode())[0].material == material

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "key 1 .* has 0 bytes"),
            ("hunter2hunter2", "key 1 .* is not base64"),
            ("aHVudGVyMg==", "key 1 .* has 7 bytes instead of 32"),
            (f"{encoded()},", "key 2 .* has 0 bytes"),
            (f"a b:{encoded()}", "the id of key 1"),
            (f":{encoded()}", "the id of key 1"),
            (f"{'x' * 33}:{encoded()}", "the id of key 1"),
            (f"a:{encoded(b'a')},a:{encoded(b'b')}", "two keys .* have the id 'a'"),
        ],
    )
    def test_malformed_keys_are_refused(self, text: str, says: str) -> None:
        """What is no key is refused with the command that makes one, and is not repeated."""
        with pytest.raises(InvalidInput, match=says) as refused:
            parse_keys(text)

        assert refused.value.field == SETTING
        assert MAKE_A_KEY in str(refused.value)
        assert "hunter2" not in str(refused.value)
        assert encoded() not in str(refused.value)

    def test_the_remedy_makes_a_key(self) -> None:
        """The command in the messages, typed as it is, makes a key that is accepted."""
        shell = shutil.which("sh")
        assert shell is not None

        script = f'{MAKE_A_KEY}; printf %s "${SETTING}"'
        made = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True)

        assert len(parse_keys(made.stdout)) == 1

    def test_a_key_is_never_shown(self) -> None:
        """Representations of keys, keyrings and vaults hold no key (trap T43)."""
        key = a_key()
        keyring = Keyring([key])

        for thing in (key, keyring, Vault(keyring)):
            assert "aaaa" not in repr(thing)
            assert encoded() not in repr(thing)


class TestKeyFile:
    """The key file beside an embedded database."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> SqliteDatabase:
        """Name a database that need not exist."""
        return SqliteDatabase(path=tmp_path / "cronicorn.db")

    def test_it_is_made_when_needed_and_is_private(self, database: SqliteDatabase) -> None:
        """The first secret makes the file, its owner's only, and nothing else beside it."""
        before = os.umask(0)
        try:
            vault = vault_for(database, secret_key=None)
            made_at_once = database.key_path.exists()
            vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)
        finally:
            os.umask(before)

        assert not made_at_once
        assert stat.S_IMODE(database.key_path.stat().st_mode) == 0o600
        assert [file.name for file in database.path.parent.iterdir()] == ["cronicorn.key"]

    def test_another_process_opens_with_it(self, database: SqliteDatabase) -> None:
        """What one process sealed another one opens, also one that started before the file."""
        early = vault_for(database, secret_key="")
        token = vault_for(database, secret_key=None).seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)
        late = vault_for(database, secret_key=None)

        assert early.open(DEFAULT_TENANT, ENDPOINT, HEADER, token) == VALUE
        assert late.open(DEFAULT_TENANT, ENDPOINT, HEADER, token) == VALUE

    def test_opening_makes_no_file(self, database: SqliteDatabase) -> None:
        """A lost file is missed, not silently replaced."""
        with pytest.raises(SecretsUnavailable, match=str(database.key_path)):
            vault_for(database, secret_key=None).open(
                DEFAULT_TENANT, ENDPOINT, HEADER, f"v1.gone.{'A' * 64}"
            )

        assert not database.key_path.exists()

    def test_those_who_make_it_at_once_have_the_same(self, database: SqliteDatabase) -> None:
        """Of many that make the file together one succeeds, and none sees half of it."""
        with ThreadPoolExecutor(8) as pool:
            files = [KeyFile(path=database.key_path) for _ in range(8)]
            found = set(pool.map(KeyFile.read_or_make, files))

        assert len(found) == 1
        assert [file.name for file in database.path.parent.iterdir()] == ["cronicorn.key"]

    def test_a_given_key_stands_before_the_file(self, database: SqliteDatabase) -> None:
        """With the setting, new values are sealed with its key, and the file opens the old ones."""
        old = vault_for(database, secret_key=None).seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)
        vault = vault_for(database, secret_key=f"mine:{encoded()}")

        token = vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)

        assert token.startswith("v1.mine.")
        assert vault.open(DEFAULT_TENANT, ENDPOINT, HEADER, token) == VALUE
        assert vault.open(DEFAULT_TENANT, ENDPOINT, HEADER, old) == VALUE

    @pytest.mark.parametrize("content", [b"", b"hunter2", b"\xff\xfe"])
    def test_a_damaged_file_is_not_replaced(self, database: SqliteDatabase, content: bytes) -> None:
        """A file that holds no key is named and left as it is: it may be repaired."""
        database.key_path.write_bytes(content)
        vault = vault_for(database, secret_key=None)

        with pytest.raises(SecretsUnavailable, match=str(database.key_path)) as refused:
            vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)

        assert database.key_path.read_bytes() == content
        assert "hunter2" not in str(refused.value)

    def test_a_file_that_cannot_be_made_says_what_else(self, tmp_path: Path) -> None:
        """Where no file can be written, a key can be given."""
        nowhere = SqliteDatabase(path=tmp_path / "no" / "x.db")

        with pytest.raises(SecretsUnavailable, match=SETTING):
            vault_for(nowhere, secret_key=None).seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)


def test_on_postgresql_a_key_must_be_given() -> None:
    """Many machines share a server and no file, so without a key secrets are refused."""
    database = parse_database_url("postgresql://localhost/x")
    assert isinstance(database, PostgresDatabase)

    with pytest.raises(SecretsUnavailable) as refused:
        vault_for(database, secret_key=None).seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)

    assert MAKE_A_KEY in str(refused.value)
    assert VALUE not in str(refused.value)
    vault = vault_for(database, secret_key=encoded())
    token = vault.seal(DEFAULT_TENANT, ENDPOINT, HEADER, VALUE)
    assert vault.open(DEFAULT_TENANT, ENDPOINT, HEADER, token) == VALUE
