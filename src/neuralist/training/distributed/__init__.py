"""One training on several machines: workers, and the share of the tables that each reads."""
