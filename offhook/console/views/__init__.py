"""What pages show: from what is known to markup, pure."""
