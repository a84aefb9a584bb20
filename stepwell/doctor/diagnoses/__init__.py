"""What can be wrong with a training; one diagnosis a file, a pure function of what was read.

A file holds `SEVERITY`, `KIND` (a word of `diagnosing.KINDS`, causes before consequences), `EXPLAINS` (the diagnoses
that are its consequences and are folded under it) and `diagnose(record) -> Finding | None`; its docstring is its page.
"""
