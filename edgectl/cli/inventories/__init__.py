"""`edgectl inventory ...`: one file a command."""
