"""Side-by-side timings: `python -m benchmarks`, or `--quick` for a look in a minute or two.

Peers come with `pip install 'npae[bench]'`; a missing peer is reported, and the rest runs.
"""
