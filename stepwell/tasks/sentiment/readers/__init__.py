"""The formats of labeled texts: one a file, with `Options`, `recognizes(source)`, `read(source, options)`."""
