"""Bring a computer-vision store from bare metal to proven inference, and keep it there."""

__version__ = "0.1.0"
