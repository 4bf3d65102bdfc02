"""Success of the studio's runs on test people.

Reading order: edits (prompts and faces), runs (the runs and their evaluation), table.
"""
