"""Side-by-side benchmarks: one table, all contestants in one run, the same client and the same device.

`python -m bench` (or `make bench`) runs it, `--quick` in under a minute. Loopback only; memory needs Linux.
"""
