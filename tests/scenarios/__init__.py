"""The real proxy between scripted peers, and between real clients and servers."""
