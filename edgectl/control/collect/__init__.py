"""What stores' nodes have to tell, taken over the operator's link and kept in files."""
