"""Tables to a trained experiment: examples, batches, the loop, checkpoints, what is saved."""
