"""No password and no token of an address is shown; and where a server may listen."""

import socket

import pytest

from neuralist.console.addresses import address, check_free, is_local, without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://team:s3cret@host:5432/optuna", "postgresql://team:***@host:5432/optuna"),
        ("postgresql+psycopg://team:s3/c@r:et@host/optuna", "postgresql+psycopg://team:***@host/optuna"),
        ("asking http://team:s3cret@host/api failed", "asking http://team:***@host/api failed"),
        ("postgresql:/team:s3cret@host", "postgresql:/team:***@host"),
        ("redis://:s3cret@host", "redis://:***@host"),
        (
            "received 'postgresql://team:s3 c@ret@host/db'; give",
            "received 'postgresql://team:***@host/db'; give",
        ),
        (
            "remote 'https://s3cret@host/raw' and ssh://git@host/raw",
            "remote 'https://***@host/raw' and ssh://git@host/raw",
        ),
    ],
)
def test_the_password_before_a_host_is_hidden(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


@pytest.mark.parametrize(
    "name",
    [
        *("token", "access_token", "TOKEN", "password", "sslpassword", "passwd", "pwd", "api_key", "apikey"),
        *("key", "client_secret", "sig", "AccountKey", "X-Amz-Signature", "x-amz-security-token"),
    ],
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://host/api?", ""),
        ("url: /api?user=team&", "&x=1 (Caused by"),
        ("'https://host/raw?x=1;", "' cannot"),
        ("mlflow#", " ends"),
    ],
)
def test_the_value_of_a_setting_that_names_a_secret_is_hidden(name: str, before: str, after: str) -> None:
    assert without_passwords(f"{before}{name}=s3/c+r%3Det{after}") == f"{before}{name}=***{after}"


def test_so_it_is_in_settings_of_a_database_that_are_no_address() -> None:
    text = "host=db user=team password='s3 cret' dbname=x; password=s3cret"
    assert without_passwords(text) == "host=db user=team password=*** dbname=x; password=***"


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000",
        "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning",
        "sqlite:////tmp/me@home/study.db",
        "s3://bucket/neuralist",
        "postgresql://team@host/optuna",
        "dvc exp run -S experiments.lyrics.max_tokens=50 -S train.seed=1",
        "error: 'texts.csv' line 3: me@home: key=value, 'a' and 'b@c'",
        "models:/neuralist@champion",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_passwords(text) == text


@pytest.mark.parametrize(
    ("host", "alone"),
    [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("0.0.0.0", False), ("12.7.0.1", False)],
)
def test_only_this_machine_reaches_an_address_of_its_own(host: str, alone: bool) -> None:
    assert is_local(host) is alone


@pytest.mark.parametrize(
    ("given", "parts"), [("127.0.0.1:5001", ("127.0.0.1", 5001)), ("songs.lan:80", ("songs.lan", 80))]
)
def test_an_address_is_a_host_and_a_port(given: str, parts: tuple[str, int]) -> None:
    assert address(given) == parts


# The last would write a line of its own into nginx.conf.
@pytest.mark.parametrize("given", ["5001", ":5001", "here:", "here:0", "here:65536", "::1:80", "a; b c:80"])
def test_what_is_no_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ValueError, match=f"LISTEN={given}: give a host .* such as 127.0.0.1:5001"):
        address(given)


def test_a_taken_port_is_named_with_the_fix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ValueError, match=rf"LISTEN=127.0.0.1:{port}: Address already in use; end what"):
            check_free("127.0.0.1", port)


def test_a_port_that_was_just_given_up_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        other.accept()[0].close()  # it waits for late packets, a minute long
        client.close()
    check_free("127.0.0.1", port)
