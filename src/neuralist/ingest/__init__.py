"""Raw files to tables: songs, listed similarities, rows, pairs, and every rejected record."""
