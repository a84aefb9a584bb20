"""Metrics, one a file: what a prediction is worth, in numpy alone, with a weight an example.

A file holds

    DIRECTION     "max" or "min": which way is better
    KIND          "number", "per_class" (an array, one value a class) or "table" (classes × classes)
    HIGHER        one sentence: what a high value means, and the best one
    prepare(truth, predictions, schema) -> state      what all scores need, computed once
    score(state, weight) -> float or array            `weight` is None or `(n,)`, at least 0; NaN where undefined

and may hold

    TITLE         how it is called in a report (else its name)
    MEASURE       "share" (shown in percent) or a unit of measure
    SAYS          how a sentence goes on after "The network", with {value} and {n}
    per_example(state) -> (n,)      by which the worst answers are found
    support(state)                  how many examples the value rests on: a number, or one a class (else all)
    limits(state) -> (low, high)    between which values one example that was not seen may lie

An integer weight means the same as that many copies of the example: this is how the bootstrap resamples.
In classification `truth["label"]` and `predictions["label"]` hold class names, `predictions["probabilities"]`
is `(n, classes)` in the order of `schema.targets[0].classes`.
"""
