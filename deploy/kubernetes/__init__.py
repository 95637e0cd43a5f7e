"""Waybill on a cluster: its manifests, the same with a database and a broker beside for a trial, and that trial."""
