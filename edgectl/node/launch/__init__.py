"""What a deploy user may start as root: the launcher, and what a session that it has begun takes of him."""
