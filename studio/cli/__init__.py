"""The command line: `python -m studio.cli`.

May import every other package of `studio`.
"""
