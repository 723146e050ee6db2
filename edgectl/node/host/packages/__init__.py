"""The system's packages, brought by apt and dpkg from this node's own package source, and from nowhere else."""
