"""The store's pods: the reference vision services. Knows nothing of the operator or of the node's engine."""
