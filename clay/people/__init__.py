"""The parameters of a rendered face, their captions, prompts and vectors, and the splits of the data set.

May import no other package of `clay`.
"""
