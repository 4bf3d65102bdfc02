"""Saving runs: image files with metadata, videos, recordings.

May import `studio.core` to `studio.queue`.
"""
