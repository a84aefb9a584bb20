"""Metrics, one a file: what a prediction is worth, in numpy alone, with a weight an example.

A file holds

    DIRECTION     "max" or "min": which way is better
    KIND          "number", "per_class" (an array, one value a class), "table" (classes × classes) or "curve"
    HIGHER        one sentence: what a high value means, and the best one
    prepare(truth, predictions, schema) -> state      what all scores need, computed once
    score(state, weight) -> float or array            `weight` is None or `(n,)`, at least 0; NaN where undefined
    curve(state) -> columns by name                   in place of `score` of a curve: lists of equal length, the
                                                      first lies along the picture; nothing where undefined

and may hold

    TITLE         how it is called in a report (else its name)
    MEASURE       "share" (shown in percent) or a unit of measure; "target" stands for the target's own
    SAYS          how a sentence goes on after "The network", with {value} and {n}
    per_example(state) -> (n,)      by which the worst answers are found
    REPLICATES    of how many resamples the interval is taken at most, where scoring one is dear (else of all)
    BIASED        True where chance alone moves the value one way, the more the fewer examples: so does resampling
    INTERVAL      "percentile" (if it says nothing), "studentized" or "logit": see `judge.bootstrap`
    RANGE         the least and the greatest value there can be, where `limits` does not say the least
    influence(state, weight) -> (n,)    how the value moves with each example's weight, times all weight; its weighted
                                        mean is 0; for the latter two intervals
    tally(state, weight), worth(tally)    `score` in two steps, where metrics of one `prepare` count the same: the
                                          counting is then done once for all that share `tally`
    smoothed(tally, state, each, generator)    the tally of a resample with pseudo-counts, each of weight `each`
    support(state)                  how many examples the value rests on: a number, or one a class (else all);
                                    with a weight as second argument where INTERVAL is "logit"
    limits(state) -> (low, high)    between which values one example that was not seen may lie

An integer weight means the same as that many copies of the example: this is how the bootstrap resamples.
In classification `truth["label"]` and `predictions["label"]` hold class names, `predictions["probabilities"]`
is `(n, classes)` in the order of `schema.targets[0].classes`. Numbers are float64 `(n,)` or `(n, columns)` under the
name of `schema.targets[0]` in both, in its measure.
"""
