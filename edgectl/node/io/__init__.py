"""The only subprocess, files and HTTP of the node."""
