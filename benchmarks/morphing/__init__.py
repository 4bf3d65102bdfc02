"""Face morphs as in AdjointDEIS (2405.15020, section 5) in the embedded world: `python -m benchmarks.morphing`.

A morph of two people succeeds at a judge that takes it for both of them. For M morphs and a judge's threshold tau
(eq. 5.2; Scherhag et al. 2017),

    MMPMR(tau) = 1/M sum_m [ min_n S_m^n > tau ],        S_m^n: similarity of morph m to ANOTHER picture of person n.

Reading order: pairs (who is morphed), methods (how, as data), plan (what is run, in which order), encodings, greedy,
candidates (the morphs of one method), judges, record (rows on disk), run, tables.
"""
