"""Networks of diffusers as denoisers, net(t (b,), x_t, z); one file for each kind of conditioning."""
