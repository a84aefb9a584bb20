"""Is a change better than none, and better than chance? Paired trainings of three kinds, judged after each seed.

The arms are the unchanged training, a placebo (the unchanged one from other first weights and batches) and the changed
one, on the same data for the same number of cycles. A gain counts where its lower bounds over both are above what is
worth having, and where it is larger than what the placebo shows that chance alone does. It also counts where each of
four changed trainings is better than all eight others, by as much, which of equal ones one course in 495 would show:
one that diverges makes means and bounds useless. So a change that changes nothing is verified in about one of a hundred
courses at most, also where trainings fail at random (see the tests). A verified gain confirms the change, not the
diagnosis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from scipy.stats import t

State = Literal["verified", "provisional", "open", "refused"]

SPENT = {2: 0.02, 3: 0.03, 4: 0.05}
"""One-sided error that each look may spend, by the number of seeds: a tenth over all looks (alpha spending)."""
CLAIM, MOST = 3, max(SPENT)  # seeds for a claim, and at most


@dataclass(frozen=True)
class Proof:
    """What paired trainings say of a change: its gain over none and over the placebo, each with its lower bound.

    `noise` is what the placebo shows that chance alone does; `apart` says that each of four changed trainings is better
    than all others. Of one seed there are no bounds.
    """

    state: State
    seeds: int
    gain: float
    low: float | None
    over_placebo: float
    low_over_placebo: float | None
    noise: float | None
    apart: bool = False


def judge(unchanged: Sequence[float], placebo: Sequence[float], changed: Sequence[float], least: float) -> Proof:
    """The proof from values by seed, more being better, of which gains up to `least` are not worth having.

    Open: another seed may tell. Provisional: it holds, on two seeds. What gains nothing on the first seed is refused.
    """
    n = len(changed)
    gains = [after - before for after, before in zip(changed, unchanged, strict=False)]
    gain = fmean(gains)
    if n == 1:
        over = changed[0] - placebo[0] if placebo else gain
        return Proof("open" if min(gain, over) > least else "refused", 1, gain, None, over, None, None)
    overs = [after - other for after, other in zip(changed, placebo, strict=True)]
    chance = [other - before for other, before in zip(placebo, unchanged, strict=True)]
    over = fmean(overs)
    low, low_over = _bound(gains, SPENT[n]), _bound(overs, SPENT[n])
    noise = abs(fmean(chance))  # its scatter is in the bounds, which are of paired differences
    state: State = "open"
    apart = n == MOST and min(changed) > max(*unchanged, *placebo) + least
    if apart or (min(low, low_over) > least and min(gain, over) > noise):
        state = "verified" if n >= CLAIM else "provisional"
    elif min(gain, over) <= least or n >= MOST:
        state = "refused"
    return Proof(state, n, gain, low, over, low_over, noise, apart)


def _bound(values: Sequence[float], error: float) -> float:
    """The lower bound of the mean at a one-sided error, by Student's t."""
    return fmean(values) - float(t.ppf(1 - error, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
