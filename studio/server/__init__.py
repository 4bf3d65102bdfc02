"""The HTTP server: request limits, sessions, uploads, temporary files.

May import `studio.core` to `studio.export`.
"""
