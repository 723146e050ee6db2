"""A page for people: one file of HTML that needs nothing else, from what commands print for programs."""
