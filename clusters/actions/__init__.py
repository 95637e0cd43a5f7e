"""The verbs of this app: plain functions that require, refuse, write, audit and enqueue."""
