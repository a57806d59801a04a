"""The farm's own client: from a store to an installed tree, for hosts that have no other one."""
