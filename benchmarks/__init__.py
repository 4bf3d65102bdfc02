"""Benchmarks of this project, its peers and the methods of its paper: one script or package per question.

    adjoints     error of each gradient method
    gradients    cost of each gradient method and of other libraries
    order        order of convergence of samplers and gradients
    reversible   comparison of reversible samplers
    precomputed  time saved by computing the conditioning once per gradient
    mutation     whether the tests detect one-symbol mistakes
    morphing     face morphs of the paper
    guidance     edits by text and by image
    steering     success of the studio's runs
    faces        the face networks for photographs
    results      docs/results.md from the rows of morphing and guidance
    soak         a soak test of the web app
    licences     licences of the installed packages

They may import every other package. Shared: gaussian_mixture, records, clock, page_options.
"""
