"""Train what lessons, the report page and benchmarks show: the family, linear theory, learnt manifolds, codes."""
