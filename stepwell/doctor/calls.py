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


@contextlib.contextmanager
def heard(
    kind: type[nn.Module], hear: Callable[[nn.Module, Call, tuple[Any, ...], dict[str, Any]], Any]
) -> Iterator[None]:
    """Inside the block every call of a module of `kind` is made by `hear(module, call, args, kwargs)`.

    `call(*args, **kwargs)` is what would have been called; `hear` returns the output.
    """
    own = vars(kind).get("__call__")

    def called(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        inherited: Any = super(kind, self)
        return hear(self, inherited.__call__ if own is None else functools.partial(own, self), args, kwargs)

    kind.__call__ = called  # type: ignore[method-assign]
    try:
        yield
    finally:
        if own is None:
            del kind.__call__
        else:
            kind.__call__ = own  # type: ignore[method-assign]
