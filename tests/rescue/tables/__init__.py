"""The cases: small tables of differences over one emulated device and one emulated client."""
