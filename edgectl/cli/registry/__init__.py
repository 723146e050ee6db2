"""The subcommands of `edgectl models`."""
