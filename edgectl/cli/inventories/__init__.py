"""The subcommands of `edgectl inventory`, one file each."""
