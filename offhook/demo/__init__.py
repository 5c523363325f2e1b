"""The main job, small: a whole campaign against a simulated PBX, held against its own record."""
