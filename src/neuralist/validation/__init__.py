"""Great Expectations on the tables, and the report."""
