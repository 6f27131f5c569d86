"""MLflow: runs of experiments and studies, and the registry of models."""
