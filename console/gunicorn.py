"""How gunicorn serves pages and the API: `gunicorn -c python:console.gunicorn console.wsgi:application`.

Threads, not coroutines: with a connection pool, synchronous views answer several times the requests they do under ASGI.
The event streams are another process (`uvicorn console.asgi:application`), so that no open stream holds a thread here.
"""

from __future__ import annotations

bind = "0.0.0.0:8000"  # inside a container; what is published is the proxy's business
worker_class = "gthread"
workers = 2
threads = 4
timeout = 30
graceful_timeout = 10
keepalive = 5
# Headers of a proxy are judged in one place, the console's own middleware.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = "warning"
