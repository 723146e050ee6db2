"""What a person at the rack may ask of this node: one file a command, each with `run(places, args) -> exit code`."""
