"""The files from which a machine comes up for the first time: made of the same inventory as everything else."""
