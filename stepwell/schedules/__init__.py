"""How the learning rate moves: `factor(options, cycle, total, evaluations) -> float`, a file each.

A pure function: of the cycle (from 0), of all cycles planned, and of the past validations of the
quantity that selects, turned so that lower is better. It multiplies the optimizer's base rate.
"""
