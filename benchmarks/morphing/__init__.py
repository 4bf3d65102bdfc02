"""Face morphs as in AdjointDEIS (2405.15020, section 5) in the embedded world: `python -m benchmarks.morphing`.

A morph of two people succeeds if a face network accepts it as both of them. For M morphs and a network's threshold tau
(eq. 5.2; Scherhag et al. 2017),

    MMPMR(tau) = 1/M sum_m [ min_n S_m^n > tau ],   S_m^n: similarity of morph m to another image of person n.

Reading order: pairs (the people), methods (the methods as data), plan (what is run, in which order), encodings, greedy,
candidates (the images of one method), held_out (evaluation), run, tables, curves, claims; ceiling (upper bounds).
"""
