"""Side-by-side timings: `python -m benchmarks`, or `--quick` for a look in a minute or two.

Peers come with `pip install 'npae[bench]'`; a peer that is not installed is said to be missing, and the rest runs.
"""
