"""Readers of the toy task."""
