"""Results of two revisions side by side: the working tree and a commit (`make compare`)."""
