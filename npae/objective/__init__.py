"""The objective J(theta), one letter per file: f and g, L, Omega, C, and J with its gradient."""
