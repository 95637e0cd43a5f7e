"""The verbs of the market, one module each: require, refuse, write, audit, enqueue."""
