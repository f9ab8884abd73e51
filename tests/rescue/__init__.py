"""The rescue matrix: real peers that do not understand each other, with and without wsproxy between them.

Run it with `python -m tests.rescue`.
"""
