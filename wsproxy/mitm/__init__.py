"""How sessions are intercepted: the only room that knows mitmproxy."""
