"""The one file that describes all stores, and what it means for one of them."""
