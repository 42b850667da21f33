"""Which labels Traefik knows of a middleware (Traefik 2.11 and 3: HTTP middlewares; Docker provider). Pure.

It skips a whole container for one label that it does not know.
"""

import re

PREFIX = "traefik.http.middlewares."
_TLS = "ca caoptional cert insecureskipverify key"
_SOURCE = (
    "sourcecriterion.requestheadername sourcecriterion.requesthost sourcecriterion.ipstrategy.depth "
    "sourcecriterion.ipstrategy.excludedips sourcecriterion.ipstrategy.ipv6subnet"
)
_STRATEGY = "ipstrategy ipstrategy.depth ipstrategy.excludedips ipstrategy.ipv6subnet"
_PERSON = "commonname country domaincomponent locality organization province serialnumber"
_KNOWN = {
    "addprefix": "prefix",
    "basicauth": "headerfield realm removeheader users usersfile",
    "buffering": "maxrequestbodybytes maxresponsebodybytes memrequestbodybytes memresponsebodybytes retryexpression",
    "chain": "middlewares",
    "circuitbreaker": "expression checkperiod fallbackduration recoveryduration responsecode",
    "compress": "= excludedcontenttypes includedcontenttypes minresponsebodybytes defaultencoding encodings",
    "contenttype": "= autodetect",
    "digestauth": "headerfield realm removeheader users usersfile",
    "errors": "query service status statusrewrites.*",
    "forwardauth": "address addauthcookiestoresponse authrequestheaders authresponseheaders authresponseheadersregex "
    "forwardbody headerfield maxbodysize preservelocationheader preserverequestmethod trustforwardheader "
    + " ".join(f"tls.{option}" for option in _TLS.split()),
    "grpcweb": "alloworigins",
    "headers": "= accesscontrolallowcredentials accesscontrolallowheaders accesscontrolallowmethods "
    "accesscontrolalloworiginlist accesscontrolalloworiginlistregex accesscontrolexposeheaders accesscontrolmaxage "
    "addvaryheader allowedhosts browserxssfilter contentsecuritypolicy contentsecuritypolicyreportonly "
    "contenttypenosniff custombrowserxssvalue customframeoptionsvalue customrequestheaders.* customresponseheaders.* "
    "featurepolicy forcestsheader framedeny hostsproxyheaders isdevelopment permissionspolicy publickey "
    "referrerpolicy sslforcehost sslhost sslproxyheaders.* sslredirect ssltemporaryredirect stsincludesubdomains "
    "stspreload stsseconds",
    "inflightreq": f"amount {_SOURCE}",
    "ipallowlist": f"rejectstatuscode sourcerange {_STRATEGY}",
    "ipwhitelist": f"sourcerange {_STRATEGY}",
    "passtlsclientcert": "pem info.notafter info.notbefore info.sans info.serialnumber info.subject.organizationalunit "
    + " ".join(f"info.{who}.{field}" for who in ("subject", "issuer") for field in _PERSON.split()),
    "ratelimit": f"average burst period {_SOURCE}",
    "redirectregex": "permanent regex replacement",
    "redirectscheme": "permanent port scheme",
    "replacepath": "path",
    "replacepathregex": "regex replacement",
    "retry": "attempts initialinterval",
    "stripprefix": "forceslash prefixes",
    "stripprefixregex": "regex",
}


def is_known(label: str) -> bool:
    """Whether it is no label for Traefik, or one of a middleware that it knows; case does not matter to Traefik."""
    if not label.lower().startswith("traefik."):
        return True
    if not label.startswith(PREFIX):
        return False
    _, kind, option = (*label.removeprefix(PREFIX).lower().split(".", 2), "", "")[:3]
    known = _KNOWN.get(kind, "").split()
    if not option:
        return "=" in known
    return option in known or f"{option.partition('.')[0]}.*" in known


def defined(label: str) -> str | None:
    """The name of the middleware that a label defines; None if it defines none."""
    found = re.match(rf"{re.escape(PREFIX)}([^.]+)\.", label)
    return found[1] if found else None
