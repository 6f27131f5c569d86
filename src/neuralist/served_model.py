"""What MLflow runs to load a saved model, a "model from code"; see `serving.model_arguments`."""

from neuralist import serving

serving.declare()
