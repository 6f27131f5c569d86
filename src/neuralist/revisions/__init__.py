"""Comparison of the results of two revisions: the working tree and a commit (`make compare`)."""
