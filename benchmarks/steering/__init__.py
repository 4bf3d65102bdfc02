"""Success of the studio's runs on test people.

Reading order: edits (prompts and faces), evaluation (the evaluation of an edit), runs, edit_table, table.
"""
