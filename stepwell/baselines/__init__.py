"""Shelf of simple rivals on matrices of features, one a file: what a network must beat to be worth its name."""
