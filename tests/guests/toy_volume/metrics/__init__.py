"""Metrics of the toy task."""
