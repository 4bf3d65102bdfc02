"""What a run leaves behind: files with metadata, videos, recordings.

May import `studio.core` to `studio.queue`.
"""
