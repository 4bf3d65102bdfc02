"""The face networks for photographs: verification, gradients, and steering through them.

Reading order: experiments, spectrum (a denoiser without weights), faceres (another network, for evaluation).
"""
