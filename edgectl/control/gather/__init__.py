"""What stores need, gathered into a bundle: from folders, other bundles, official releases, the Docker engine."""
