"""Neuralist: how alike two songs are, learned from their lyrics."""
