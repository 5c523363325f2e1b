"""PINs: kept so that nobody can read them, checked so that nobody learns from being refused."""
