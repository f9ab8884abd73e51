"""Plays recordings back: a session's device to real clients, its client to a real device."""
