"""Measurements of the trained networks, and the model card that they fill.

May import every other package of `clay`.
"""
