"""Toy volume: a scan of any size in, the voxels of the bright body in it out.

What it strains: training on patches that are chosen by views before anything is decoded, several an epoch of each
volume, patches that a small volume does not fill, and inference in overlapping tiles over whole volumes.
"""

from stepwell.task import Select, Task

TASK = Task(
    title="Toy volume segmentation",
    takes="scans: volumes of one channel",
    gives="for every voxel whether it belongs to the body",
    metrics=("dice",),
    headline="dice",
    validate=("dice",),
    select=Select("dice", "max"),
    truth=("mask",),
    worst="dice",
)
