"""Emulated devices and clients on raw sockets: scripted, byte-exact, every byte sent and received kept."""
