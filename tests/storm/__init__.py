"""The storm: drawn events strike a real store, nobody helps, and every one of them is judged from outside."""
