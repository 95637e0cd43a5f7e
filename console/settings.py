"""Django's settings, made from the environment alone (`console.kit.env`)."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from console.kit import env
from console.logs import configuration

# Hundreds of modules are read after this one and live to the end: looking for garbage every 700 objects is a tenth of
# a start, and later a pause in requests.
gc.set_threshold(50_000, 20, 50)

ENVIRONMENT = env.read(os.environ)
BASE_DIR = Path(__file__).resolve().parent.parent

# --- The names of the house, as code reads them: `settings.WAYBILL_...` -------------------------------------------
WAYBILL_KEYS = ENVIRONMENT.keys.get_secret_value()
WAYBILL_PUBLIC_URL = ENVIRONMENT.public_url
WAYBILL_TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
WAYBILL_OUTBOUND_ALLOW = ENVIRONMENT.outbound_allow
WAYBILL_WORKER_SLOTS = ENVIRONMENT.worker_slots
WAYBILL_PER_CLUSTER = ENVIRONMENT.per_cluster
WAYBILL_PER_TEAM = ENVIRONMENT.per_team
WAYBILL_COPY_STREAMS = ENVIRONMENT.copy_streams
WAYBILL_COPY_SMALL = ENVIRONMENT.copy_small
WAYBILL_DOCKER_HOST = ENVIRONMENT.docker_host
WAYBILL_DOCKER_CERTS = ENVIRONMENT.docker_certs.absolute() if ENVIRONMENT.docker_certs else None
WAYBILL_DOCKER_LIMIT = ENVIRONMENT.docker_limit
WAYBILL_PROBE_EVERY = ENVIRONMENT.probe_every
WAYBILL_OBSERVE_EVERY = ENVIRONMENT.observe_every
WAYBILL_OFFLINE_AFTER = ENVIRONMENT.offline_after
WAYBILL_DEADLINE_DELIVERY = ENVIRONMENT.deadline_delivery
WAYBILL_DEADLINE_PUBLISH = ENVIRONMENT.deadline_publish
WAYBILL_PLAN_VALID = ENVIRONMENT.plan_valid
WAYBILL_SESSION_IDLE = ENVIRONMENT.session_idle
WAYBILL_SESSION_MAX = ENVIRONMENT.session_max
WAYBILL_TOKEN_MAX_DAYS = ENVIRONMENT.token_max_days
WAYBILL_MAX_BODY = ENVIRONMENT.max_body
WAYBILL_MAX_YAML = ENVIRONMENT.max_yaml
WAYBILL_MAX_FILE = ENVIRONMENT.max_file
WAYBILL_METRICS = ENVIRONMENT.metrics.get_secret_value() if ENVIRONMENT.metrics else None
WAYBILL_DATA_DIR = ENVIRONMENT.data_dir.absolute()
WAYBILL_DEV = ENVIRONMENT.dev
WAYBILL_REDIS_URL = ENVIRONMENT.redis_url.get_secret_value()

# --- Where the console is reached ----------------------------------------------------------------------------------
_PUBLIC = urlsplit(WAYBILL_PUBLIC_URL)
_TLS = _PUBLIC.scheme == "https"
SECRET_KEY = ENVIRONMENT.secret_key.get_secret_value()
DEBUG = False
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts) or [_PUBLIC.hostname or ""]
ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"
ASGI_APPLICATION = "console.asgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "console.apps.ConsoleConfig",
    "teams.apps.TeamsConfig",
    "operations.apps.OperationsConfig",
    "clusters.apps.ClustersConfig",
    "marketplace.apps.MarketplaceConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "django_htmx",
    "django_include_bootstrap",
    "lucide",
]

MIDDLEWARE = [
    "console.middleware.Surroundings",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "console.kit.middleware.Person",
    "console.middleware.Bounds",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.shell.shell",
            ],
        },
    }
]

# --- Rows ----------------------------------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        **dj_database_url.parse(ENVIRONMENT.database_url.get_secret_value()),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Threads of one process share these; a request that finds none within the timeout fails fast.
            "pool": {"min_size": 0, "max_size": 24, "timeout": 5, "max_idle": 120},
            "connect_timeout": 5,
            "application_name": "waybill",
            # A dead peer (a database host that vanished) is noticed within half a minute, not in two hours.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }
}

# --- People --------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "teams.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("login", "name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/auth/sign-in"
LOGIN_REDIRECT_URL = "/"
# Nobody is nobody: an anonymous visitor has no row and so no rights.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

SESSION_ENGINE = "console.kit.sessions"
SESSION_COOKIE_AGE = WAYBILL_SESSION_MAX
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _TLS
SESSION_COOKIE_NAME = "__Host-waybill_session" if _TLS else "waybill_session"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _TLS
CSRF_COOKIE_NAME = "__Host-waybill_csrf" if _TLS else "waybill_csrf"
CSRF_FAILURE_VIEW = "console.views.refused"
CSRF_TRUSTED_ORIGINS = [WAYBILL_PUBLIC_URL]
LANGUAGE_COOKIE_NAME = "waybill_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = _TLS
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- What leaves with every answer ---------------------------------------------------------------------------------
# The middleware removes the header below unless a listed proxy sent it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _TLS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _TLS
SECURE_HSTS_PRELOAD = _TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = WAYBILL_MAX_BODY
FILE_UPLOAD_MAX_MEMORY_SIZE = WAYBILL_MAX_BODY
# The form of a component with all it may have, and that of a publication of many variables, are large.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# --- Languages and times -------------------------------------------------------------------------------------------
LANGUAGE_CODE = ENVIRONMENT.language
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = ENVIRONMENT.time_zone

# --- Static files: ours, and those that installed packages carry ----------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENVIRONMENT.dev
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = ENVIRONMENT.dev
WHITENOISE_AUTOREFRESH = ENVIRONMENT.dev
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("map", "png", "jpg", "gif", "ico", "woff", "woff2", "gz", "br", "zip")

# --- REST ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # Everything else an endpoint does stands in `console.kit.api`.
    "DEFAULT_AUTHENTICATION_CLASSES": ["teams.authentication.Bearer", "teams.authentication.Session"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Waybill",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {
        "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
        "int": {"type": "integer", "minimum": 0},
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE_NAME},
        }
    },
}

# --- Logs: one line of JSON each, on standard error ----------------------------------------------------------------
LOGGING = configuration(ENVIRONMENT.log_format, ENVIRONMENT.log_level)
SILENCED_SYSTEM_CHECKS: list[str] = []
