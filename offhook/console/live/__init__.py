"""News for browsers: each thing is read once per process, however many look at it."""
