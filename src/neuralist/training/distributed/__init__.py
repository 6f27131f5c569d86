"""Distributed training: the workers, and the share of the tables that each reads."""
