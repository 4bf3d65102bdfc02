"""Device and precision of a model, chosen from estimates of its memory."""
