"""Transforms of the toy task."""
