"""Raw files to tables: songs, listed similarities, rows, pairs, and every record that was not used."""
