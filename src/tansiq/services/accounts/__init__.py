"""Who is who at this node: accounts, sessions, feed tokens, and the machine itself."""
