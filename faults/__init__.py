"""What `make test-faults` runs: kills, odd requests, damaged files, full disks, floods, drawn from a seed."""
