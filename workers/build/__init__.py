"""From a recipe to archives: sources, images, the dual build, relocation, packing."""
