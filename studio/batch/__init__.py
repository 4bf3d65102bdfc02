"""Many runs by one command: a list of jobs, their batches, and a folder of results that can be continued.

May import `core`, `images`, `models`, `runs` and `export`.
"""
