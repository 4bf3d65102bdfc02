"""Runs: a checked request in, a generator of events out. `base` has what steering, morphing and comparing share.

May import `studio.core`, `studio.images` and `studio.models`. Threads and the page are not used here.
"""
