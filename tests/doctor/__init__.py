"""An exam for `doctor`: faults of a real store, what is true of each, and marks. Does not know how doctor decides."""
