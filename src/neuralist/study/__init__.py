"""Optuna's search for better settings of one experiment."""
