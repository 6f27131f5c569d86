"""Predictions to results: metrics with intervals, baselines, comparisons, tables and figures."""
