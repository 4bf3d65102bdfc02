"""The device queue, cancellation tokens, the streams of all tasks, and shared GPU hosts (ZeroGPU).

May import `studio.core` to `studio.runs`.
"""
