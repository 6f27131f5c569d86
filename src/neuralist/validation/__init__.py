"""Validation of the tables by Great Expectations, and the report."""
