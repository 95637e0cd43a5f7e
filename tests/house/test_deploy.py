"""What Django itself says about a deployment behind TLS, the models and the migrations, and the static files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command

from tests.house.files import ROOT

# Of the tests themselves: static files without collecting, and a browser driven from this process.
FORGOTTEN = ("WAYBILL_DEV", "DJANGO_ALLOW_ASYNC_UNSAFE")


def test_the_deployment_check_is_clean() -> None:
    said = {name: value for name, value in os.environ.items() if name not in FORGOTTEN}
    said |= {"WAYBILL_PUBLIC_URL": "https://console.example", "WAYBILL_ALLOWED_HOSTS": "console.example"}
    line = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    done = subprocess.run(line, env=said, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, ""), done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.django_db
def test_the_migrations_are_in_step_with_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_static_file_finds_what_it_refers_to(tmp_path: Path) -> None:
    storage = ManifestStaticFilesStorage(location=str(tmp_path), base_url="/static/")
    found = {}
    for finder in finders.get_finders():
        for name, source in finder.list([]):
            if name not in found and not name.startswith("rest_framework/"):
                found[name] = (source, name)
                with source.open(name) as file:
                    storage.save(name, file)
    faults = [f"{name}: {done}" for name, _, done in storage.post_process(found) if isinstance(done, Exception)]
    assert faults == []
    assert {"css/bootstrap.min.css", "console.css"} <= found.keys()
