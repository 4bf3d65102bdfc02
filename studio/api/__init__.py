"""The endpoints for programs.

May import `studio.core` to `studio.server`.
"""
