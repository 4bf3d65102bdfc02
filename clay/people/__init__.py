"""Who is drawn and how: traits, circumstances, captions, numbers, and the numbered scenes of the data set.

Imports nothing of the other packages of `clay`.
"""
