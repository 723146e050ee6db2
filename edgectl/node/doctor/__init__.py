"""Why a node is not well: everything is looked at, and what is wrong is put down to its first cause."""
