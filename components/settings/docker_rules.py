"""Rules for texts of a container and of its route, in addition to those of `rules`. Pure: no Pulumi here."""

from components.settings import traefik_labels
from components.settings.rule import Rule
from components.settings.rules import DNS_NAME

USER = Rule(
    pattern=r"(?:[a-z_][a-z0-9_-]{0,31}|[0-9]{1,10})(?::(?:[a-z_][a-z0-9_-]{0,31}|[0-9]{1,10}))?",
    cause="is not a user of a container",
    remedy="use USER or USER:GROUP, names of the image or numbers in quotes, such as '1000:1000'",
)
"""Of a process in a container (Docker: docker run --user)."""

CAPABILITY = Rule(
    pattern="(?!ALL$|CAP_)[A-Z][A-Z_]{1,31}",
    cause="is not a capability",
    remedy="use its name without CAP_, such as 'NET_BIND_SERVICE'",
)
"""Of Linux (capabilities(7))."""

HOST_MOUNT = Rule(
    pattern=r"(?:/(?!\.\.?(?:/|:|$))[A-Za-z0-9._~!$&'()*+,;=@%-]+)+(?::ro)?",
    cause="is not a path of the Docker host",
    remedy="use an absolute one, such as '/srv/media', with ':ro' behind it for one that is not written to",
)
"""A folder or file that is mounted."""

MIDDLEWARE = Rule(
    pattern="[A-Za-z0-9_-]+(?:@[a-z]+)?",
    cause="is not the name of a middleware",
    remedy="use NAME@PROVIDER, such as 'auth@file', or the name of one that 'labels' define",
)
"""Of Traefik (Traefik: Providers, provider namespace)."""

CONTAINER_LABEL = Rule(
    pattern=r"(?!gitlab-deploy\.|com\.docker\.)[A-Za-z0-9](?:[A-Za-z0-9._\x5b\x5d-]*[A-Za-z0-9\x5d])?",
    longest=255,
    check=traefik_labels.is_known,
    cause="is not a label that this key takes",
    remedy=(
        "of Traefik's use those of a middleware, such as 'traefik.http.middlewares.auth.basicauth.users', and the keys "
        "of this block for the route; Traefik skips a container for one label that it does not know"
    ),
)
"""Of a container: nothing that the component sets itself."""

ENDPOINT = Rule(
    pattern=rf"(?:{DNS_NAME.pattern}|\[[0-9a-f:.]+\]):[1-9][0-9]{{0,4}}",
    cause="is not the address of a server",
    remedy="use HOST:PORT, such as '127.0.0.1:8443'",
)
"""Where a server listens."""
