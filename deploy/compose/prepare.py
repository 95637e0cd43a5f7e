"""Make what docker-compose.yml mounts: keys, passwords, the registry's certificate. `python -m deploy.compose.prepare`.

Everything goes to `deploy/compose/made/`, which only its owner can enter and git does not see. What is there stays as
it is; delete the folder to begin anew (and the volumes with it, since their passwords are in it).
"""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

import bcrypt

from console.kit.secrets import new_key
from deploy.local.authority import Authority

FOLDER = Path(__file__).resolve().parent / "made"
REGISTRY_USER = "waybill"
# The user ids inside the images: files of secrets are mounted as they are, and must be readable there.
_READABLE = 0o644


def _kept(folder: Path, name: str, value: str) -> str:
    path = folder / name
    if not path.exists():
        path.write_text(value)
        # The folder is closed; the file must be open to the user inside the container it is mounted into.
        path.chmod(_READABLE)
    return path.read_text()


def prepare(folder: Path = FOLDER, registry_host: str = "registry") -> None:
    """Make whatever is not there yet."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _kept(folder, "secret_key", secrets.token_urlsafe(48))
    _kept(folder, "keys", new_key())
    database = _kept(folder, "database_password", secrets.token_urlsafe(24))
    _kept(folder, "database_url", f"postgresql://waybill:{database}@postgres:5432/waybill")
    broker = _kept(folder, "broker_password", secrets.token_urlsafe(24))
    _kept(folder, "broker_url", f"redis://:{broker}@valkey:6379/0")
    _kept(folder, "valkey.conf", f'requirepass "{broker}"\nappendonly yes\nsave ""\n')
    word = _kept(folder, "registry_password", secrets.token_urlsafe(24))
    _kept(folder, "registry_htpasswd", f"{REGISTRY_USER}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt()).decode()}\n")
    _kept(folder, "k3s_token", secrets.token_urlsafe(24))
    authority = Authority.at(folder, "registry-ca")
    if not (folder / "registry.key").exists():
        authority.issue(registry_host, hosts=[registry_host, "localhost", "127.0.0.1"]).write(folder, "registry")
        (folder / "registry.key").chmod(_READABLE)
    (folder / "registries.yaml").write_text(
        f'configs:\n  "{registry_host}:5000":\n    tls:\n      ca_file: /etc/waybill/registry-ca.crt\n'
    )


def main() -> None:
    """Prepare, and say what to enter on the console's page of the image registry."""
    parser = argparse.ArgumentParser(description="Make the secrets and certificates that docker-compose.yml mounts.")
    parser.parse_args()
    prepare()
    print(f"Made in {FOLDER.name}/. Image registry: address registry:5000, user {REGISTRY_USER}, the password in")
    print(f"{FOLDER.name}/registry_password, the CA in {FOLDER.name}/registry-ca.crt.")
    print("Next: docker compose up --build --detach")


if __name__ == "__main__":
    main()
