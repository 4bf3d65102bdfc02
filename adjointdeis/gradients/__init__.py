"""How to differentiate through a sampler: one module a method.

`base` holds the contract (`GradientMethod`, `LossAndGradients`) and what the methods share. May import the sampler
modules of `adjointdeis`, not `guide`.
"""
