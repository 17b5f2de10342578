"""Where kits come in: the endpoint they connect to."""
