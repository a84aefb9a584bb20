"""The shelf of transforms: declared, fitted operations without torch on a batch of examples, one a file.

A file holds `Options`, a frozen dataclass `Fitted` of plain JSON values with `apply(columns, traces)`, and
`fit(options, ...)`, which takes what it needs of the training part. The same `Fitted` prepares training
and prediction and travels in the artifact.
"""
