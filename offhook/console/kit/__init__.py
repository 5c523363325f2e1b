"""What pages are made of: markup, parts, charts, the panel that shows them, and the frame."""
