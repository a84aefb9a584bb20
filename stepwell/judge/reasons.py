"""Which parts of an example an answer rests on: what its probability loses where each is left out in turn.

A task's `reasons.py` says what the parts of an example are and what it is without some of them. Whether such weights
say anything is checked: leaving out the parts of the most weight must cost more than leaving out as many by chance
(DeYoung et al., ERASER, ACL 2020, call that comprehensiveness).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from stepwell import randomness
from stepwell.judge import averages
from stepwell.judge.scores import Reasons
from stepwell.schema import Columns

Answer = Callable[[Columns], Columns]
"""Raw input columns of some examples -> predictions in the terms of the task's `decode`."""

Example = Mapping[str, Any]
Weights = npt.NDArray[np.float64]

SHARE = 0.2
"""Of the parts, that the check leaves out; one at least."""

FEWEST = 5
"""Parts that an example must have for the check."""


def weights(example: Example, reasons: ModuleType, answer: Answer) -> Weights:
    """What the probability of the example's answer loses where each of its parts is left out, `(parts,)`.

    Above 0 a part speaks for the answer, below 0 against it. Empty for an example of one part alone.
    """
    count = len(reasons.parts(example))
    if count < 2:
        return np.zeros(0)
    found = _probability([example, *(reasons.without(example, [place]) for place in range(count))], answer)
    lost: Weights = found[0] - found[1:]
    return lost


def check(
    ids: Sequence[str], examples: Sequence[Example], reasons: ModuleType, answer: Answer, seed: int
) -> Reasons | None:
    """How much more the parts of the most weight cost than as many by chance; None where no example has enough parts.

    Two draws by chance an example; intervals are over examples.
    """
    foremost, chance = [], []
    for key, example in zip(randomness.keys(ids).tolist(), examples, strict=True):
        weighed = weights(example, reasons, answer)
        if len(weighed) < FEWEST:
            continue
        left = max(1, int(SHARE * len(weighed)))
        draw = np.random.Generator(np.random.Philox(key=[seed, key]))
        drawn = [np.sort(draw.permutation(len(weighed))[:left]).tolist() for _ in range(2)]
        most = np.sort(np.argsort(-weighed, kind="stable")[:left]).tolist()
        found = _probability([example, *(reasons.without(example, one) for one in (most, *drawn))], answer)
        foremost.append(found[0] - found[1])
        chance.append(found[0] - found[2:].mean())
    if not foremost:
        return None
    one, other = np.array(foremost), np.array(chance)
    return Reasons(
        n=len(one),
        share=SHARE,
        foremost=averages.mean(one, None, seed, None),
        chance=averages.mean(other, None, seed, None),
        gap=averages.mean(one - other, None, seed, None),
    )


def _probability(examples: Sequence[Example], answer: Answer) -> Weights:
    """The probability that each gets of what the first is answered."""
    columns: Columns = {name: [one[name] for one in examples] for name in examples[0]}
    probabilities = np.asarray(answer(columns)["probabilities"], dtype=np.float64)
    found: Weights = probabilities[:, int(probabilities[0].argmax())]
    return found
