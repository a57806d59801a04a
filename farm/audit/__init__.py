"""Whether a store is what it says, and what in it nothing names any more."""
