"""What is wrong with what a peer sent, as pure functions: events in, findings out."""
