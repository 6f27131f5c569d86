"""No password is shown, wherever in a text its address stands."""

import pytest

from neuralist import console


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://team:s3cret@host:5432/optuna", "postgresql://team:***@host:5432/optuna"),
        ("postgresql+psycopg://team:s3/c@r:et@host/optuna", "postgresql+psycopg://team:***@host/optuna"),
        (
            "postgresql://host/optuna?user=team&password=s3cret&x=1",
            "postgresql://host/optuna?user=team&password=***&x=1",
        ),
        ("asking http://team:s3cret@host/api failed", "asking http://team:***@host/api failed"),
        ("postgresql:/team:s3cret@host", "postgresql:/team:***@host"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:////tmp/me@home/study.db", "sqlite:////tmp/me@home/study.db"),
        ("s3://bucket/neuralist", "s3://bucket/neuralist"),
    ],
)
def test_only_the_password_is_hidden(text: str, shown: str) -> None:
    assert console.without_passwords(text) == shown
