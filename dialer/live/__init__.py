"""The engine's parts, one concern each; `dialer.engine.Engine` is the only way in."""
