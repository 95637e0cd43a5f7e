"""The console's image made on the spot, without Docker and without a base image to download.

`python -m deploy.image OUT` writes an OCI layout: this machine's Python with the libraries it needs, the packages that
`requirements/core.lock` names, and the console with compiled catalogues and collected static files.
"""
