"""Which run computes now: the device queue, cancellation, the newest event of a run, ZeroGPU.

May import `studio.core` to `studio.runs`.
"""
