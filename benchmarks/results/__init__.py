"""docs/results.md from the rows of `benchmarks.morphing` and `benchmarks.guidance`: page (text), figures."""
