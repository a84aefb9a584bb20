"""When the doctor looks: densely at the beginning, then as often as keeps it to its share of the time.

The first updates are looked at whatever it costs. After them an update of 10 ms or more gives a share of its time; of
shorter ones the same share would leave no look at all in a training of some hundred, so that looks lie ever further
apart there (a quarter of the way so far), up to one in 512 updates. Of a training that is known to be brief each
quarter gets a look, as far as a larger share allows: of two looks nothing can be told. Where a look sees harm, the next
one comes in half the time, for harm is told once it has lasted.
"""

from __future__ import annotations

import math

EARLY = (1, 2, 4, 8)  # updates after which there is a look, beside that of the beginning; of long ones the last alone
NORMS_UNTIL = 16  # updates whose norms are all read
SOON = 8  # updates before a look, in which samples for it are kept
CALLS_UNTIL = 64  # updates whose way from the answer to the loss is followed
SHARE = 0.02  # of the time of training that looking may take, where an update takes 10 ms or more
AIMED_AT = 0.8  # of that share by the costs that are known: what is not foreseen has room
SHORT = 0.01  # seconds of an update under which looks lie ever further apart
PUT_OFF = 4.0  # times the interval that a look is put off at most, for what was spent before
SPREAD = 4  # of the updates so far, one part lies between two looks
BRIEF, BRIEF_SHARE = 30.0, 0.05  # seconds that a training is planned to take, and the share that looks take of it
QUARTERS = 4  # parts of it that get a look each
LEAST, MOST_SHORT, MOST = 4, 512, 4096  # updates between two looks; the second where updates are short


class Pace:
    """After which update there is a look, and at which the norms are read. Updates are counted from 1.

    `planned` are the updates of the whole training, where they are known.
    """

    def __init__(self, planned: int | None = None) -> None:
        self._planned = planned
        self._last, self._share_allows, self._short = 0, LEAST, True
        self._due = self._next()

    def looked(self, update: int, cost: float, each: float, share: float) -> None:
        """A look after `update` took `cost` seconds of work, an update takes `each`, and all looking so far `share`.

        Three times the cost is counted: the loss of a batch before and after its own update is read too, norms are more
        often, and to listen takes some of every update. Where more than the share was spent, as it is at the beginning,
        the next look is put off by as much, up to fourfold.
        """
        self._last, self._short = update, each < SHORT
        aim = SHARE if self._short else AIMED_AT * SHARE
        over = min(PUT_OFF, max(1.0, share / aim)) if update > CALLS_UNTIL else 1.0
        self._share_allows = min(MOST, math.ceil(3 * over * cost / (aim * max(each, 1e-6))))
        if self._planned is not None and self._planned * each < BRIEF:
            allowed = math.ceil(3 * cost / (BRIEF_SHARE * max(each, 1e-6)))
            self._share_allows = min(self._share_allows, max(LEAST, self._planned // QUARTERS, allowed))
        self._due = self._next()

    def passed(self, update: int) -> None:
        """A look after `update` was due, and nothing was there to look at: looks lie ever further apart meanwhile."""
        if not self._last:
            self._share_allows = MOST_SHORT
        self._last = update
        self._due = self._next()

    def look_again(self, update: int) -> None:
        """After `update`: what was seen is to be seen again, by a look that comes in half the time."""
        self._due = min(self._due, update + max(LEAST, (self._due - update) // 2))

    def interval(self, update: int) -> int:
        """Updates between two looks, now that `update` of them are through."""
        if not self._short:
            return max(LEAST, self._share_allows)
        return max(LEAST, min(self._share_allows, MOST_SHORT, update // SPREAD))

    def looks(self, update: int) -> bool:
        """Whether there is a look after an update."""
        early = EARLY if self._short else EARLY[-1:]
        return update > self._last and (update >= self._due or update in early)

    def looks_soon(self, update: int) -> bool:
        """Whether there is a look within the next updates."""
        return update <= EARLY[-1] or update + SOON >= self._due

    def reads_norms(self, update: int) -> bool:
        """Whether gradients, weights and their change are read at an update: eight times as often as looks."""
        return update <= NORMS_UNTIL or self.looks(update) or update % max(1, self.interval(update) // 8) == 0

    def rests(self, update: int) -> bool:
        """Whether of an update no more than its loss is wanted: no look is near, and no norms are read."""
        return not (self.looks_soon(update) or self.reads_norms(update))

    def _next(self) -> int:
        """The first update that lies an interval, as it is there, after the last look."""
        due = self._last + LEAST
        while due - self._last < self.interval(due):
            due = self._last + self.interval(due)
        return due
