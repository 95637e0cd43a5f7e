"""Tags of the pages of clusters, teams and applications."""
