"""Benchmarks: each runs ours, a physical limit and a stock alternative on the same rows, in turns.

    python -m bench                 all of them
    python -m bench api.create      one; `api` is every bench whose name begins so

Absolute times hold for one machine at one moment only; what counts are the ratios of sides that ran
one after the other. So every round runs all sides, and the medians over the rounds are told.
"""
