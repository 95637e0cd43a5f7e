"""Pages of the market: what there is to install, how it gets in, and how a version reaches an environment and back."""
