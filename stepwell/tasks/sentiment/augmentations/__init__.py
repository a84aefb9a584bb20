"""Random changes of the tokens of training batches, a file each."""
