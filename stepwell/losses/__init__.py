"""What is minimized: `term(options, outputs, targets, weight) -> Term`, a file each."""
