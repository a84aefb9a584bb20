"""Toy boxes: a picture of any size in, the box around the one bright thing in it out, in the picture's own pixels.

What it strains: a transform that letterboxes picture and box alike, a trace that remembers how, and a decoding that
answers in original pixels by it; rivals need the trace as well.
"""

from stepwell.task import Select, Task

TASK = Task(
    title="Toy boxes",
    takes="pictures with one bright thing each",
    gives="the box around it: left, top, right, bottom in pixels",
    metrics=("mean_iou",),
    headline="mean_iou",
    validate=("mean_iou",),
    select=Select("mean_iou", "max"),
    truth=("box",),
    worst="mean_iou",
    exempt={"chance": "how far off the middle of the picture is depends on where things lie in it"},
)
