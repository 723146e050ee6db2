"""What runs on the operator's machine, laptop or CI: nothing here runs on a node."""
