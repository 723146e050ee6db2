"""What `edgectl accept` does at the operator's desk."""
