"""A restart of the machine inside a run: whether one is needed, when it may be, and how the run goes on after it."""
