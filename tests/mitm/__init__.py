"""The proxy's own logic, on real sockets."""
