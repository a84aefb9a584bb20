"""What reads texts with their labels, a format a file."""
