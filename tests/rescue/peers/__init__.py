"""Strict peers, one library a module: as the client of a URL, and most of them as a server."""
