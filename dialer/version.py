"""Which decisions this engine takes."""

DECISIONS = 4
"""Raised with every change after which the same events may lead to other commands, so that a replay
tells a journal of another engine from a changed one. 1: before it was recorded.
"""
