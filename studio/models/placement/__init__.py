"""Device, precision and memory savings of a model, chosen by estimates of its memory."""
