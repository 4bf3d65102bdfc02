"""Orders of convergence of samplers and gradient methods.

Reading order: methods (what is measured), curves (the errors), page (docs/orders.md and its figure).
"""
