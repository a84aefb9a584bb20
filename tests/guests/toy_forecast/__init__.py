"""Toy forecast: the last day of a weather station, and the sunshine that is announced, to its next six hours.

What it strains: several named inputs (past, future, station), a target of two columns, examples that are windows of a
series and whose past may lie in an earlier part, and a split in which an example is an interval of time.
"""

from stepwell.task import Select, Task

TASK = Task(
    title="Toy forecast",
    takes="hourly rows of weather stations in one CSV",
    gives="temperature and wind of the next six hours",
    metrics=("mean_absolute_error",),
    headline="mean_absolute_error",
    validate=("mean_absolute_error",),
    select=Select("mean_absolute_error", "min"),
    truth=("target",),
    worst="mean_absolute_error",
    exempt={"bad_file": "all examples lie in one file"},
)
