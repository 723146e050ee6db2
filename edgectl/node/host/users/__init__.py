"""Who may log in to deploy, and what his sudo allows him: the one launcher."""
