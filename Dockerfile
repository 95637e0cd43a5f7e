# One image for every process of the console; the command says which one it is.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gettext \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements/core.lock requirements/core.lock
RUN python -m venv /opt/waybill \
 && /opt/waybill/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/core.lock
COPY . .
# The catalogues, compiled; the static files, with their hashes in their names and compressed beside.
RUN for po in locale/*/LC_MESSAGES/*.po; do msgfmt -o "${po%.po}.mo" "$po" || exit 1; done
RUN export WAYBILL_SECRET_KEY=$(head -c 48 /dev/urandom | base64 -w0) \
    WAYBILL_KEYS=build:$(head -c 32 /dev/urandom | base64 -w0) \
    DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost/0 \
 && /opt/waybill/bin/python manage.py collectstatic --no-input -v 0 \
 && /opt/waybill/bin/python -m compileall -q console teams operations clusters marketplace

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent waybill
ENV PATH=/opt/waybill/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=console.settings
WORKDIR /app
COPY --from=build /opt/waybill /opt/waybill
COPY --from=build /app /app
USER 10001:10001
EXPOSE 8000 8001
# Of the web process; the streams answer at 8001, and the worker serves nobody.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
  CMD ["python", "-m", "console.probe", "8000"]
CMD ["gunicorn", "-c", "python:console.gunicorn", "console.wsgi:application"]
