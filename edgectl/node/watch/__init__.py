"""The watchdog: what keeps GPUs and the pods on them alive between two runs of the engine."""
