"""How the networks are trained: one module a network, and the loop that they share.

May import `clay.people`, `clay.rendering` and `clay.networks`.
"""
