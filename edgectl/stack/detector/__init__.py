"""The reference model: a small detector of persons and carts, with the scenes that it has learnt from."""
