"""The peer of group serving, as MLflow's "model from code": it answers every pair with the same values."""

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

# The outputs of the registered model `neuralist`.
ANSWER = {
    "similarity": 0.5,
    "similar": True,
    "decile": 5.0,
    "tokens_used_a": 300,
    "tokens_used_b": 300,
    "known_a": 1.0,
    "known_b": 1.0,
    "error": "",
}


class EmptyModel(PythonModel):
    """A model that reads no text."""

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride] -- the base's body is empty
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ANSWER for each row."""
        return pd.DataFrame(ANSWER, index=model_input.index)


set_model(EmptyModel())
