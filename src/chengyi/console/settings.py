"""The framework's settings, built from one node's home.

Rules: no inline script or style anywhere (strict CSP); only loopback and configured host names are answered;
the secret key lies in ``keys/console.secret``, readable by its owner only.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ROOM = Path(__file__).parent
STATIC = ROOM / "static"
IDLE_SECONDS = 30 * 60
LOCK_AFTER_FAILURES = 5
LOCK_MINUTES = 15
MOST_BYTES = 1024 * 1024
MOST_FILE_BYTES = 16 * 1024 * 1024
TAKES_FILES = frozenset({"/investigate/ask/"})
SELF, NONE = "'self'", "'none'"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "chengyi.console.middleware.PreferenceMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "chengyi.console.middleware.SeatMiddleware",
    "chengyi.console.middleware.DoorMiddleware",
    "chengyi.console.middleware.CalmMiddleware",
]

APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "axes",
    "chengyi.console.accounts",
    "chengyi.console.apps.ConsoleConfig",
]

POLICY = {
    "default-src": [SELF],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF],
    "connect-src": [SELF],
    "font-src": [SELF],
    "object-src": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
    "form-action": [SELF],
}


def settings_for(home: Path, hosts: Sequence[str] = (), *, https: bool = False) -> dict[str, object]:
    """Return every setting of the console of the node in `home`."""
    return {
        "DEBUG": False,
        "SECRET_KEY": secret_key(home),
        "ALLOWED_HOSTS": [*LOOPBACK, *hosts],
        "INSTALLED_APPS": APPS,
        "MIDDLEWARE": MIDDLEWARE,
        "ROOT_URLCONF": "chengyi.console.urls",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "DATABASES": {"default": _database(home)},
        "TEMPLATES": [_templates()],
        "LANGUAGE_CODE": "zh-hans",
        "LANGUAGES": [("zh-hans", "简体中文"), ("en", "English")],
        "USE_I18N": True,
        "USE_TZ": True,
        "TIME_ZONE": "Asia/Shanghai",
        "LOGGING": _logging(home),
        **_static(),
        **_accounts(),
        **_defences(hosts, https=https),
    }


def secret_key(home: Path) -> str:
    """Return the console's secret key, made at first use with mode 0600."""
    path = home / "keys" / "console.secret"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(64))
    return path.read_text().strip()


def static_stamp() -> str:
    """Return a short digest over all static files, so that a changed file has a changed address."""
    whole = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            whole.update(path.read_bytes())
    return whole.hexdigest()[:10]


def _database(home: Path) -> dict[str, object]:
    options = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": home / "console.db", "OPTIONS": options}


def _templates() -> dict[str, object]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOM / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "chengyi.console.context.frame",
            ],
            "builtins": ["chengyi.console.templatetags.words", "chengyi.console.templatetags.figures"],
        },
    }


def _static() -> dict[str, object]:
    return {
        "STATIC_URL": f"/static/{static_stamp()}/",
        "STATICFILES_DIRS": [STATIC],
        "STATICFILES_FINDERS": ["django.contrib.staticfiles.finders.FileSystemFinder"],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_MAX_AGE": 365 * 24 * 3600,
    }


def _accounts() -> dict[str, object]:
    validation = "django.contrib.auth.password_validation"
    return {
        "AUTH_USER_MODEL": "accounts.Account",
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            "chengyi.console.accounts.backend.AccountBackend",
        ],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"{validation}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
            {"NAME": f"{validation}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ["username"]}},
            {"NAME": f"{validation}.CommonPasswordValidator"},
            {"NAME": f"{validation}.NumericPasswordValidator"},
        ],
        "LOGIN_URL": "sign-in",
        "SESSION_COOKIE_AGE": 12 * 3600,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "AXES_FAILURE_LIMIT": LOCK_AFTER_FAILURES,
        "AXES_COOLOFF_TIME": LOCK_MINUTES / 60,
        "AXES_LOCKOUT_PARAMETERS": ["username"],
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_VERBOSE": False,
        "AXES_DISABLE_ACCESS_LOG": True,
        "AXES_ENABLE_ADMIN": False,
        "AXES_CLIENT_IP_CALLABLE": "chengyi.console.accounts.backend.address_of",
        "AXES_LOCKOUT_CALLABLE": "chengyi.console.views.sign_in.locked",
        "AXES_SENSITIVE_PARAMETERS": ["username", "ip_address", "password"],
        "MESSAGE_STORAGE": "django.contrib.messages.storage.cookie.CookieStorage",
    }


def _defences(hosts: Sequence[str], *, https: bool) -> dict[str, object]:
    return {
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": POLICY},
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SESSION_COOKIE_NAME": "chengyi_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_NAME": "chengyi_csrf",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": https,
        "CSRF_FAILURE_VIEW": "chengyi.console.views.errors.forged",
        "CSRF_TRUSTED_ORIGINS": [f"https://{host}" for host in hosts] if https else [],
        "SECURE_HSTS_SECONDS": 31_536_000 if https else 0,
    }


def _logging(home: Path) -> dict[str, object]:
    """Faults of the program go to a file of the home that only its keeper reads, never to a page."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "filename": str(home / "console.log"),
                "maxBytes": 2_000_000,
                "backupCount": 3,
                "delay": True,
                "encoding": "utf-8",
                "formatter": "line",
                "level": "ERROR",
            }
        },
        "loggers": {
            "django": {"handlers": ["file"], "level": "ERROR", "propagate": False},
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
            "axes": {"handlers": ["file"], "level": "ERROR", "propagate": False},
            "chengyi": {"handlers": ["file"], "level": "ERROR", "propagate": False},
        },
    }
