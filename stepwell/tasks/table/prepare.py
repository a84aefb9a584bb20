"""From the raw columns of a row to the network's inputs, and from its answer to a class or a number.

`numbers` is float32 `(batch, columns)`: the columns of numbers, then the parts of dates (both filled in and scaled in
float64), then an indicator for each that had gaps, then categories as 0 and 1 where they are `one_hot`. `categories`
is int64 `(batch, columns)`: a code for each known value, 0 for what was never seen. Either may be absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

import msgspec
import numpy as np

from stepwell.errors import DataError, RecipeError
from stepwell.preparation import Preparation, take
from stepwell.schema import Array, Columns, Examples, Field, Schema, Trace
from stepwell.tabular import cells
from stepwell.tasks.table import roles
from stepwell.tasks.table.transforms import gather_columns
from stepwell.tasks.table.unlabeled import inputs
from stepwell.transforms import (
    class_index,
    date_parts,
    encode_categories,
    impute,
    impute_iterative,
    impute_neighbors,
    missing_indicator,
    one_hot,
    require_complete,
    scale_columns,
    scale_target,
)

__all__ = ["Options", "decode", "fit", "inputs", "resolve", "row", "usable"]

PIECES = 2**14  # that all numbers are cut into together, at most: beyond it the network would be all memory
FEWEST = 4  # pieces of a number that are worth being made

CHUNK = 10_000  # rows looked at a time for gaps
WIDEST = 20_000  # columns of 0 and 1 that one_hot may make

_FILLINGS: dict[str, impute.Method] = {"mean": "mean", "mode": "mode", "constant": "constant"}

Missing = Literal["median", "mean", "mode", "constant", "knn", "iterative", "delete"]


@dataclass(frozen=True)
class Options:
    """How columns become input; everything is fitted on the training part."""

    missing: Annotated[
        Missing,
        msgspec.Meta(description="what stands for a missing number; delete leaves rows with gaps out of every part"),
    ] = "median"
    constant: Annotated[float, msgspec.Meta(description="the number that missing: constant fills in")] = 0.0
    neighbors: Annotated[int, msgspec.Meta(ge=1, description="the rows that missing: knn takes the mean of")] = 5
    indicator: Annotated[
        bool, msgspec.Meta(description="a column of 0 and 1 beside each that has gaps: whether it is missing")
    ] = True
    scaling: Annotated[
        Literal["auto"] | scale_columns.Method,
        msgspec.Meta(description="of numbers; auto: quantile where a column has a heavy tail, else standard"),
    ] = "auto"
    categories: Annotated[
        Literal["embed", "one_hot"],
        msgspec.Meta(description="codes for an embedding in the network, or a column of 0 and 1 a value"),
    ] = "embed"
    rare: Annotated[
        int, msgspec.Meta(ge=1, description="a text seen less often in the training part counts as never seen")
    ] = 3
    bins: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=1000, description="pieces that each number is cut into at most, fewer in wide tables; 0: none"
        ),
    ] = 0
    dates: Annotated[
        Literal["parts", "text"],
        msgspec.Meta(description="dates become days, season, weekday and hour, or stay a text like any other"),
    ] = "parts"
    categorical: Annotated[
        tuple[str, ...], msgspec.Meta(description="columns of numbers that are names of categories")
    ] = ()
    omit: Annotated[
        Literal["auto"] | tuple[str, ...],
        msgspec.Meta(description="columns left out; auto: those that name the row or never vary"),
    ] = "auto"
    scale_target: Annotated[
        bool, msgspec.Meta(description="the network answers a number in deviations from the training mean")
    ] = True
    positive: class_index.Positive = None


def resolve(options: Options, examples: Examples, train: Sequence[int]) -> dict[str, tuple[Any, str]]:
    """What `scaling` and `omit` come to, each with the reason, by looking at the training part."""
    found: dict[str, tuple[Any, str]] = {}
    raw = _raw(examples, train)
    chosen = _roles(options, examples, raw)
    if options.omit == "auto":
        found["omit"] = (list(chosen.omitted), roles.listed(chosen.omitted) or "every column can teach something")
    if options.scaling == "auto":
        found["scaling"] = _auto_scaling(_numbers(chosen, examples, raw), chosen.numbers)
    return found


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle columns, codes, fillings, scales and classes on the training part, `train` being its indices.

    `DataError` where the part is empty, has one class or one value only, or has no column to learn from.
    """
    raw = _raw(examples, train)
    chosen = _roles(options, examples, raw)
    gathering = _gathered(chosen, examples, raw)
    chain: list[tuple[str, Any]] = [("gather_columns", gathering)]
    columns = {**raw, **gathering.apply(raw, [{}] * len(train))}
    if options.missing == "delete":
        complete = require_complete.Fitted(gathering.numbers, gathering.texts)
        chain.append(("require_complete", complete))
        columns = _whole_rows(complete, columns, examples.source)
    texts = cast("Array", columns["texts"])
    names, bins, numeric = _number_columns(options, chosen, cast("Array", columns["numbers"]), texts)
    chain += numeric
    fields = []
    codes = encode_categories.fit(encode_categories.Options(options.rare), texts, range(len(chosen.categories)))
    if chosen.categories:
        chain.append(("encode_categories", codes))
        if options.categories == "embed":
            shape = (len(chosen.categories),)
            fields.append(
                Field("categories", "category", "int64", shape, columns=chosen.categories, levels=codes.sizes)
            )
        else:
            chain.append(("one_hot", one_hot.Fitted(codes.sizes)))
            names += _hot_names(chosen.categories, codes, examples.source)
    if names:
        bins += [()] * (len(names) - len(bins)) if bins else []
        fields.insert(0, Field("numbers", "number", "float32", (len(names),), columns=tuple(names), bins=tuple(bins)))
    target, output, answers = _target(options, examples, columns)
    chain.append(answers)
    return Preparation(Schema(tuple(fields), (target,), (output,)), tuple(chain))


def usable(preparation: Preparation, examples: Examples, indices: Sequence[int]) -> list[int]:
    """Those of `indices` whose rows can be prepared: all, or with `missing: delete` those without a gap."""
    chain = dict(preparation.transforms)
    if "require_complete" not in chain:
        return list(indices)
    found: list[int] = []
    for start in range(0, len(indices), CHUNK):
        some = indices[start : start + CHUNK]
        columns = chain["gather_columns"].apply(examples.fetch(some, None), [{}] * len(some))
        whole = ~chain["require_complete"].gaps(columns).any(axis=1)
        found += [index for index, good in zip(some, whole.tolist(), strict=True) if good]
    return found


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """What the network answered, in original terms, float64.

    Logits `(n, classes)` to `label` (text), `probability` `(n,)` and `probabilities` `(n, classes)`; the softmax is
    taken after subtracting the largest logit, so that no finite logit overflows. `value_scaled` `(n, 1)` to `value`
    `(n,)` in the unit of the target.
    """
    target = schema.targets[0]
    if target.kind == "number":
        scaled = np.asarray(outputs["value_scaled"], dtype=np.float64).reshape(len(outputs["value_scaled"]))
        return {"value": scale_target.Fitted(target.mean[0], target.std[0]).restored(scaled)}
    return class_index.answers(outputs["logits"], target.classes)


def row(prediction: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """One answer as it is printed: the `probabilities`, where there are some, with the names of the classes."""
    if "probabilities" not in prediction:
        return dict(prediction)
    named = zip(schema.targets[0].classes, prediction["probabilities"], strict=True)
    return {**prediction, "probabilities": {name: float(value) for name, value in named}}


def _raw(examples: Examples, train: Sequence[int]) -> Columns:
    if not len(train):
        raise DataError("The training part is empty.", where=examples.source, do="give it rows")
    return examples.fetch(train, None)


def _roles(options: Options, examples: Examples, raw: Columns) -> roles.Roles:
    wishes = roles.Wishes(
        omit=None if options.omit == "auto" else options.omit,
        categorical=options.categorical,
        rare=options.rare,
        dates=options.dates == "parts",
        missing=frozenset(_missing(examples)),
    )
    return roles.roles(wishes, raw, examples.columns, examples.source)


def _missing(examples: Examples) -> tuple[str, ...]:
    """The texts that stood for nothing as the data were read."""
    return tuple(sorted(_rules(examples).missing))


def _rules(examples: Examples) -> cells.Rules:
    """How the cells were read; a reader's `Rows` says it."""
    rules: cells.Rules = getattr(examples.fetch, "rules", cells.Rules())
    return rules


def _gathered(chosen: roles.Roles, examples: Examples, raw: Columns) -> gather_columns.Fitted:
    """Categories first among the texts, then dates."""
    texts = (*chosen.categories, *chosen.dates)
    written: Mapping[str, str] = getattr(examples.fetch, "units", {})
    units = {name: unit for name, unit in written.items() if name in chosen.numbers}
    decimal, widths = _rules(examples).decimal, gather_columns.widths(raw, examples.columns)
    return gather_columns.Fitted(
        chosen.numbers, texts, chosen.coded, _missing(examples), decimal, chosen.truths, units, widths
    )


def _numbers(chosen: roles.Roles, examples: Examples, raw: Columns) -> Array:
    gathered = gather_columns.Fitted(chosen.numbers, (), missing=_missing(examples))
    return cast("Array", gathered.apply(raw, [{}] * _count(raw))["numbers"])


def _count(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _whole_rows(complete: require_complete.Fitted, columns: Columns, source: str) -> Columns:
    """The rows without a gap; `DataError` where there is none."""
    kept = np.flatnonzero(~complete.gaps(columns).any(axis=1))
    if not len(kept):
        raise DataError(
            "Every row of the training part has a missing value.",
            where=source,
            do="fill them in by --prepare.missing median, or leave columns out by --prepare.omit",
        )
    return take(columns, kept)


def _auto_scaling(numbers: Array, names: Sequence[str]) -> tuple[scale_columns.Method, str]:
    heavy, worst, reach = roles.tails(numbers, names)
    if not heavy:
        return "standard", "no column of numbers has a heavy tail"
    return "quantile", (
        f"{len(heavy)} of {len(names)} columns of numbers have heavy tails; the farthest value of {worst!r} lies "
        f"{reach:,.0f} times the spread of its middle half away from the median"
    )


def _number_columns(
    options: Options, chosen: roles.Roles, numbers: Array, texts: Array
) -> tuple[list[str], list[tuple[float, ...]], list[tuple[str, Any]]]:
    """Names, borders of bins (none where there are no bins) and transforms of what becomes `numbers`.

    `numbers` `(n, d)` and `texts` `(n, m)` are the raw values. The borders lie in what scaling makes of them.
    """
    names = list(chosen.numbers)
    chain: list[tuple[str, Any]] = []
    plain = _auto_scaling(numbers, names)[0] if options.scaling == "auto" else options.scaling
    if chosen.dates:
        places = range(len(chosen.categories), len(chosen.categories) + len(chosen.dates))
        dates = date_parts.fit(date_parts.Options(), texts, places, chosen.orders)
        chain.append(("date_parts", dates))
        names += [f"{name}: {part}" for name, parts in zip(chosen.dates, dates.parts, strict=True) for part in parts]
        numbers = cast("Array", dates.apply({"numbers": numbers, "texts": texts}, [{}] * len(texts))["numbers"])
    if not names:
        return [], [], []
    gaps = missing_indicator.fit(missing_indicator.Options(), numbers).places
    indicated = tuple(place for place in gaps if place < len(chosen.numbers) or names[place].endswith(": days"))
    if options.indicator and indicated:
        chain.append(("missing_indicator", missing_indicator.Fitted(indicated)))
    if options.missing not in ("knn", "iterative"):
        method = _FILLINGS.get(options.missing, "median")
        chain.append(("impute", impute.fit(impute.Options(method, options.constant), numbers)))
    scaling = scale_columns.fit(scale_columns.Options(plain), numbers)
    chain.append(("scale_columns", scaling))
    if options.bins or options.missing in ("knn", "iterative"):
        numbers = cast("Array", scaling.apply({"numbers": numbers}, [{}] * len(numbers))["numbers"])
    if options.missing == "knn":
        chain.append(("impute_neighbors", impute_neighbors.fit(impute_neighbors.Options(options.neighbors), numbers)))
    if options.missing == "iterative":
        chain.append(("impute_iterative", impute_iterative.fit(impute_iterative.Options(), numbers)))
    bins = min(options.bins, PIECES // len(names))
    borders = [_borders(column, bins) for column in numbers.T] if bins >= min(FEWEST, options.bins) > 0 else []
    if options.indicator:
        names += [f"{names[place]} missing" for place in indicated]
    return names, borders, chain


def _hot_names(categories: Sequence[str], codes: encode_categories.Fitted, source: str) -> list[str]:
    names = [
        f"{name} = {'(missing)' if level is None else level}"
        for name, known in zip(categories, codes.levels, strict=True)
        for level in known
    ]
    if len(names) > WIDEST:
        raise DataError(
            f"One column for each value of the categories makes {len(names):,} columns; {WIDEST:,} are taken.",
            where=source,
            do="use --prepare.categories embed, or a higher --prepare.rare",
        )
    return names


def _borders(column: Array, bins: int) -> tuple[float, ...]:
    """Borders of at most `bins` pieces with about as many training rows each; () where a column has but two values.

    A value of more rows than a piece has counts as one piece full, so that the rest is still cut finely.
    """
    known = column[~np.isnan(column)]
    values, counts = np.unique(known[:: max(1, len(known) // scale_columns.SORTED)], return_counts=True)
    if len(values) <= 2:
        return ()
    shares = np.cumsum(np.minimum(counts, counts.sum() / bins))
    inner = values[np.searchsorted(shares, np.linspace(0.0, shares[-1], bins + 1)[1:-1])]
    borders = np.unique(np.asarray([values[0], *inner, values[-1]], dtype=np.float32))
    return tuple(borders.astype(np.float64).tolist()) if len(borders) > 2 else ()


def _target(options: Options, examples: Examples, columns: Columns) -> tuple[Field, Field, tuple[str, Any]]:
    """The target, what the network answers, and what prepares the target."""
    if "label" in examples.facts:
        classes = class_index.fit(class_index.Options(options.positive), columns["label"])
        if len(classes.classes) < 2:
            raise DataError(
                f"The training part has {len(classes.classes)} class, and a classifier needs two.",
                where=examples.source,
                do="add rows of another class to the training part, or choose another --target",
            )
        target = Field("label", "category", "int64", classes=classes.classes)
        output = Field("logits", "logits", "float32", (len(classes.classes),), classes.classes)
        return target, output, ("class_index", classes)
    if options.positive is not None:
        raise RecipeError(
            f"The answers are numbers, and {options.positive!r} is no class of theirs.",
            where="prepare.positive",
            do="leave it out",
        )
    values = np.asarray(columns["value"], dtype=np.float64)
    if np.ptp(values) == 0:
        raise DataError(
            f"The target is {values[0]:g} in every row of the training part.",
            where=examples.source,
            do="choose another --target, or another split",
        )
    scaled = scale_target.fit(scale_target.Options(options.scale_target), values)
    target = Field("value", "number", "float32", mean=(scaled.mean,), std=(scaled.std,))
    return target, Field("value_scaled", "number", "float32", (1,)), ("scale_target", scaled)
