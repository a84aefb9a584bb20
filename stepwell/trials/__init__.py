"""Many trainings judged together: folds, ensembles, comparisons. One parent run, complete runs under `members/`.

The parent reads the data once, trains what its folder lacks, looks at the test part once, and is finished last of
all. A kill leaves finished members finished and an unfinished one at its newest checkpoint: taking the parent
up again skips the first and goes on with the second.
"""
