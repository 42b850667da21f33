"""How the program names itself to the servers that it asks: some refuse whoever names a library of HTTP."""

USER_AGENT = "gitlab-deploy"
