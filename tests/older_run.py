"""An MLflow run in the first layout: the curve and the final figure of a metric have one name."""

from collections.abc import Mapping

from neuralist.tracking.store import Store, get_experiment_id, opened


def older_run(mlflow_store: Store, tags: Mapping[str, str], name: str) -> str:
    """Create a finished run as the first release left it; returns its id."""
    with opened(mlflow_store) as client:
        run = client.create_run(get_experiment_id(client, mlflow_store), tags=dict(tags), run_name=name)
        for step, value in ((0, 0.5), (1, 0.25), (2, 0.375)):
            client.log_metric(run.info.run_id, "val_spearman", value, step=step)
        client.log_metric(run.info.run_id, "loss", 0.25, step=2)
        client.set_terminated(run.info.run_id)
    return run.info.run_id
