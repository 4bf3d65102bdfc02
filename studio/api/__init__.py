"""The endpoints for programs.

May import every other package of `studio` but `cli`.
"""
