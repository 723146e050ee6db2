"""The line between operator and store: a userspace proxy whose delay, rate and faults are set while it runs."""
