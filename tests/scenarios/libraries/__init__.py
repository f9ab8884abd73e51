"""Real WebSocket libraries, each as a client and as a server of the same dialogue."""
