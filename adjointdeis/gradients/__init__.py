"""How to differentiate through a sampler: one module a method.

`problem` is the request, `base` the contract (`GradientMethod`, `LossAndGradients`) and what the methods share, `vjp`
the vector-Jacobian product. Methods: discrete (the default), subgrid, continuous (with adjoint_grid, trajectory),
reversible, off_the_shelf, unrolled, precomputed. May import the sampler modules of `adjointdeis`, not `audit` or
`guide`.
"""
