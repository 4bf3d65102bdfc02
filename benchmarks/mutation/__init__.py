"""Mutation testing of `adjointdeis`: mutants (one-symbol mistakes and their tests), run (one mutant)."""
