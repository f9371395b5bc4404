"""Damaged files, killed processes, planted bugs, large data, other engines and browsers."""
