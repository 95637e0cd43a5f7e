"""Real nodes: each cluster is a machine of its own inside this one, with a node that pulls, runs and answers.

A machine is a set of namespaces (network, mounts, processes) held by its first process; when that ends, the kernel
ends every container, drops every mount and takes the link away. What lives on outside is a bridge and some control
group folders, both named after the platform and removed with it, by the next start if need be.

Inside a machine ``/run``, ``/var/lib`` and ``/var/log`` are its own, and the cluster's folder is ``/run/node``: no
path is longer than a socket may have, and nothing is written outside of the platform's folder.
"""
