"""What MLflow runs to load a saved model, a "model from code"; see `mlflow_model.model_arguments`."""

from neuralist.serving import mlflow_model

mlflow_model.declare()
