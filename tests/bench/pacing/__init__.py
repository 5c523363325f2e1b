"""The proof of the pacers: the exact optimum, other dialers' rules, worlds, tables and pictures."""
