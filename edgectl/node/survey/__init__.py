"""A look at a machine before anything is changed: all that stands in a deploy's way, or will some day."""
