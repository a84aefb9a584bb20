"""The formats of tables: one a file, with `Options`, `recognizes(source)`, `read(source, options)`."""
