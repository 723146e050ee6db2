"""Drift on the device: has what the cameras see, or how the model answers, moved away from what was learnt; and why."""
