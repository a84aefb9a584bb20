"""Shelf: ways to run a network over prepared inputs, one a file."""
