"""The subcommands of `edgectl keys`."""
