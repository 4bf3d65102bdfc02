"""Edits by text and by image: gradients through the whole sampler, compared with guidance of single steps.

Reading order: one_step (guidance of single steps), methods (all methods), tasks (faces and goals), edit (one edit and
its evaluation), table.
"""
