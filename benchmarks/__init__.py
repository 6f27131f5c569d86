"""What `make bench` runs: figures measured on this machine, beside what they should be."""
