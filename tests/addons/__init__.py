"""Each addon through the real mitmdump."""
