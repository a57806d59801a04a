"""From a staged attempt to a published artifact: checked, write-once, ordered."""
