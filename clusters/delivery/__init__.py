"""Delivery: the steps that bring an application to the state a revision says, and keep book of what was done.

`run` is what all steps share: the rows, the cluster, the last look at it. Then, in the order of a delivery: `check`,
`resolving`, `take_over` (the record and the fence), `render`, `dry_run`, `apply`, `ready`, `prune`, `verify`, `finish`;
`remove` is for the end of an application. `live` looks, `inventory` keeps book, `sending` decides what a look means for
each object. `steps` is the table of all of them, for the runners of both apps that deliver.
"""
