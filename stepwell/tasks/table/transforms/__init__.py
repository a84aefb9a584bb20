"""Transforms that only tables need so far; those on the shelf `stepwell/transforms/` serve them too."""
