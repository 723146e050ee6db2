"""Debian's packages on the operator's machine: what a file of one says, which others it needs, how apt brings them."""
