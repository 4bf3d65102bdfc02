"""Several runs through the sampler together: one network call for all of them."""
