"""The cluster's guard: no pod uses a GPU without waiting for its proof."""
