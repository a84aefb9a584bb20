"""What is read once before the first update; one look a file: `look(first) -> facts`."""
