"""Models of the toy task."""
