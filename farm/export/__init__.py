"""Archives in the shape of clients that cannot take ours: no top folder, names and lists of their own."""
