"""Light stores: real machines that take deploys, without Kubernetes, so that a fleet fits on one machine."""
