"""No password and no token of an address is shown; and which addresses others can reach."""

import pytest

from neuralist.console.addresses import is_local, without_passwords


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
