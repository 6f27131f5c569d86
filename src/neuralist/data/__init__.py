"""The tables: their one schema, reading and writing them, pairs of songs, and the splits."""
