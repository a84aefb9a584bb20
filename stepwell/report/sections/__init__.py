"""Sections of the report, one a file: ORDER (lower comes first), TITLE, section(facts) -> HTML, or None for none."""
