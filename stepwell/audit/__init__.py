"""The room of the audit: one check of the data a file, `check(inspection, parts) -> list[Finding]`.

`inspection` holds what one pass over the examples noted; `parts` the part of every example ("" = in none)
once there is a split, None before it. A check that has nothing to say returns nothing: clean data is silent.
"""
