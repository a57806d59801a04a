"""Pure planning: text in, values out. Nothing here reads a clock, a network or a store."""
