"""An offer that nobody sends: taken from a stick or a web server by the person at the rack."""
