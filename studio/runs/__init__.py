"""One run, from a checked request to an outcome, as a generator of events.

May import `studio.core`, `studio.images` and `studio.models`. No threads, no page.
"""
