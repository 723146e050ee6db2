"""What each service of the stack is run by: its clock, its word of itself, its port of operations, the bus, events."""
