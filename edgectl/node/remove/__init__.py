"""All that is edgectl's taken off a machine again."""
