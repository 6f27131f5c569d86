"""A store that cannot be used: one sentence, and nothing of MLflow's and SQLAlchemy's beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from neuralist.tracking import store
from neuralist.tracking.store import Store

pytestmark = pytest.mark.slow


def test_a_database_that_can_only_be_read_is_named_in_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = Store(f"sqlite:///{tmp_path}/mlflow.db", "neuralist", None)
    with store.opened(made) as client:
        experiment = store.get_experiment_id(client, made)
    capfd.readouterr()  # how the database was made

    read_only = replace(made, uri=f"sqlite:///file:{tmp_path}/mlflow.db?mode=ro&uri=true")
    said = r"mlflow.db\?mode=ro&uri=true: attempt to write a readonly database; repair it, or unset"
    with pytest.raises(ValueError, match=said), store.opened(read_only) as client:
        client.create_run(experiment)
    assert capfd.readouterr() == ("", "")
