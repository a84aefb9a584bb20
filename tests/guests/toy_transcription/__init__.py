"""Toy transcription: a signal of any length in, the letters that it spells out.

What it strains: ragged inputs, ragged targets, a network that answers ragged outputs with lengths of their own, a loss
over letters and not over examples (CTC), and a greedy decoding to text.
"""

from stepwell.task import Select, Task

TASK = Task(
    title="Toy transcription",
    takes="signals: channels over time",
    gives="the letters that each signal spells",
    metrics=("character_error_rate",),
    headline="character_error_rate",
    validate=("character_error_rate",),
    select=Select("character_error_rate", "min"),
    truth=("text",),
    worst="character_error_rate",
    exempt={"chance": "the loss of an even guess depends on how long each signal is beside its text"},
)
