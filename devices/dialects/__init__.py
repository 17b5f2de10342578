"""One file a wire dialect: its names, words and units on the way in, our observations out. Only the catalogue imports them."""
