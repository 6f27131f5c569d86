"""Readers of raw folders: a module for each format, shared code in `common`, their choice in `formats`."""
