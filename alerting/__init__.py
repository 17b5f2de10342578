"""What it means and who must act. Pure: an item and `now` in, facts out; no clock, no file, no socket, no dice."""
