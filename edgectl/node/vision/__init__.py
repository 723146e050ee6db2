"""The vision stack: workloads that run in this boot, and an inference with a known answer."""
