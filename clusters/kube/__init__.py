"""The edge to clusters: the only place that speaks to a Kubernetes API. It acts and translates; it decides nothing."""
