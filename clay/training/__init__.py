"""Training of the networks: one module a network, the training loop, the augmentations and the command line.

May import `clay.people`, `clay.rendering` and `clay.networks`.
"""
