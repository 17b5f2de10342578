"""Followers of the journal that write every observation into time-series stores, ours and others', and charts read back from them."""
