"""Models: the embedded one and public ones, loaded as an `interface.Model`. May import `studio.core`, `studio.images`.

Reading order: interface (what a run needs of a model), embedded (the clay world), catalogue (public models and their
files), networks (denoisers, autoencoders), placement (device, precision, memory), losses (CLIP and face networks),
options (prompt, guidance), loading (files -> model), holder (one model at a time), domain (out-of-distribution images),
memory (bytes of a run). status, cli and __main__ are the command line: `python -m studio.models check` lists the models
that are ready.
"""
