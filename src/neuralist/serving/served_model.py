"""The "model from code" that MLflow runs to load a saved model; see `mlflow_model.model_arguments`."""

from neuralist.serving import mlflow_model

mlflow_model.declare()
