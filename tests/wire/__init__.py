"""Bytes of real peers, conforming and not: how to write them down, and the table of conversations."""
