"""The shell: the only package that awaits. Everything that touches the world is here and decides nothing."""
