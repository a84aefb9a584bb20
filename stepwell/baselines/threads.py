"""On how many threads a rival is fitted.

Threads that wait for one another cost more than they gain where another program has a core: a logistic regression of
1,000 texts took 13 times as long on two as on one, boosting of 20,000 rows three times. A rival that is fitted within
a time would then see fewer examples than it could, and lose for no fault of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one() -> Iterator[None]:
    """Compute on one thread inside, in NumPy, SciPy and scikit-learn alike; needs scikit-learn."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
