"""How fast the live path is, and what it costs: over real sockets, never in a timed test."""
