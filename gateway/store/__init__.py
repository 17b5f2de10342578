"""Where things stay: the journal (the truth), snapshots of its fold, and the history that charts read."""
