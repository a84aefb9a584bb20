"""Networks on the columns of a table, one a file."""
