"""Parts of the sandbox that are built once on this machine, and kept: the cache, the commands, the Go toolchain."""
