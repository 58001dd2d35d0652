"""Side-by-side measurements: speed against peers, agreement with float64.

Run with ``python -m benchmarks`` from the project's root; see ``README.md`` here.
"""
