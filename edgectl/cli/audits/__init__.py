"""The subcommands of `edgectl audit`."""
