"""A whole platform on one machine: a registry and real Kubernetes control planes, without root or containers."""
