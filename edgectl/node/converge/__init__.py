"""The engine: probe, apply, probe again. Knows no subprocess, no Kubernetes, no Helm."""
