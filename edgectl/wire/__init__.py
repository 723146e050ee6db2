"""What crosses between operator and node. Standard library only; knows neither side."""
