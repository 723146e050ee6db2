"""A reference downstream: takes events as a sink must, for sandboxes, tests, and whoever writes one of their own."""
