"""What is measured of the farm and its Pythons: how it is measured, kept and told."""
