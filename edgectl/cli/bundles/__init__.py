"""The subcommands of `edgectl bundle`, one file each."""
