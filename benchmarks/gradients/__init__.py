"""The cost of a gradient through the whole sampler, for the methods of `adjointdeis` and of other libraries.

Reading order: peers (other libraries as gradient methods), methods (all methods by name), cost (one measurement),
table.
"""
