"""Hearing a module's call while nothing lies on the module itself.

A hook on a module is copied and pickled with it: `torch.save(model)` would fail, and the calls of a copy (an average of
the weights) would be taken for the model's. So its class is heard, for the time of a watch.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

Call = Callable[..., Any]
Hear = Callable[[nn.Module, Call, tuple[Any, ...], dict[str, Any]], Any]


@contextlib.contextmanager
def heard(kind: type[nn.Module], hear: Hear) -> Iterator[None]:
    """Inside the block every call of a module of `kind` is made by `hear(module, call, args, kwargs)`.

    `call(*args, **kwargs)` is what would have been called; `hear` returns the output.
    """
    known: Any = vars(kind).get("__call__")
    hearers: list[Hear] | None = getattr(known, "hearers", None)
    if hearers is None:  # the first who hears this class; whoever leaves last restores it
        hearers = []
        kind.__call__ = _calling(kind, known, hearers)  # type: ignore[method-assign]
    hearers.append(hear)
    try:
        yield
    finally:
        hearers.remove(hear)
        own = getattr(vars(kind).get("__call__"), "own", None)
        if not hearers and own is None:
            del kind.__call__
        elif not hearers:
            kind.__call__ = own  # type: ignore[assignment,method-assign]


def _calling(kind: type[nn.Module], own: Call | None, hearers: list[Hear]) -> Any:
    """A `__call__` for a class: through all who hear it, to the class's own or the inherited one."""

    def called(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        inherited: Any = super(kind, self)
        call: Call = inherited.__call__ if own is None else functools.partial(own, self)
        for hear in tuple(hearers):
            call = functools.partial(_through, hear, self, call)
        return call(*args, **kwargs)

    called.hearers, called.own = hearers, own  # type: ignore[attr-defined]
    return called


def _through(hear: Hear, module: nn.Module, call: Call, *args: Any, **kwargs: Any) -> Any:
    return hear(module, call, args, kwargs)
