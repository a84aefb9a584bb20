"""The numbers that enter the network: are they numbers, and of one order of magnitude?"""

from __future__ import annotations

from typing import Any

import torch

from stepwell.doctor.first import First, floats, rows_of


def look(first: First) -> dict[str, Any]:
    """Over the first batches: `inputs_finite`; of columns that vary, the largest root mean square and the spread.

    `input_rms` is the largest over columns; `input_spread` the largest standard deviation of a column over the median
    one; `input_columns` how many columns there are; `input_tiny` the largest root mean square where all are small.
    """
    given = [
        [one for one in floats(example.inputs) if one.ndim > 1 or one.shape == (example.rows,)]  # no counts, no scales
        for example in first.examples
    ]
    if not given or not given[0]:
        return {"inputs": "no floating-point numbers"}
    same = [one[0] for one in given if one[0].shape[1:] == given[0][0].shape[1:]]
    values = torch.cat([rows_of(one) for one in same]).double()
    ok = torch.isfinite(values)
    facts: dict[str, Any] = {
        "inputs_finite": bool(ok.all()),
        "inputs_not_finite_rows": int((~ok).any(1).sum()),
        "input_columns": int(values.shape[1]),
        "input_rows": int(values.shape[0]),
    }
    values = torch.where(ok, values, 0.0)
    deviations = values.std(0, correction=0)
    moving = deviations[deviations > 0]
    rms = values.square().mean(0).sqrt()
    facts["input_rms"] = float(rms.max())
    facts["input_mean_rms"] = float(values.square().mean().sqrt())
    facts["input_spread"] = float(moving.max() / moving.median()) if len(moving) else 1.0
    facts["input_constant_columns"] = int((deviations == 0).sum())
    return facts
