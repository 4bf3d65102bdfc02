"""Evaluation of the trained networks on the test split, and the model card that quotes the results.

May import every other package of `clay`.
"""
