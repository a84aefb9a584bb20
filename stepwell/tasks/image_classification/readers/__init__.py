"""The formats of image classification: one a file, with `Options`, `recognizes(source)`, `read(source, options)`.

All give the facts `label` and `path`, and `part` or `group` where the data name them, and fetch the raw
columns `image`, `label` and `path`.
"""
