"""What the reference model takes and gives: its names, the fields of its answer, its geometry. Imports nothing."""

from __future__ import annotations

NAME = "tiny-detector"
VERSION = "2"
INPUT = "image"  # (batch, 3, height, width), values 0 to 1; height and width are multiples of STRIDE
OUTPUT = "detections"  # (batch, rows * columns, FIELDS), row by row
# Of each cell, raw (before any sigmoid): objectness, centre x and y within the cell, width and height as parts of
# REACH, person (above 0) against cart.
FIELDS = 6
SIDE = 64  # pixels of the square pictures that it has learnt from
STRIDE = 8  # pixels of a cell
REACH = 64  # pixels: the largest width or height that it can say
LABELS = ("person", "cart")
