"""Readers of raw folders: a module a format, what they share in `common`, and the choice in `formats`."""
