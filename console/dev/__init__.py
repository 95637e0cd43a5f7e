"""The whole console on one machine: `manage.py dev`, and the launchers that the tests share with it."""
