"""The provider: Pulumi's requests, handed to the resource type they are about."""

import asyncio
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import urllib3
from pulumi.provider.experimental import provider as pulumi_provider
from pulumi.provider.experimental.property_value import PropertyValue

from sandbox.plugins.gitlab import VERSION
from sandbox.plugins.gitlab.client import ApiError, Client, PluginError, UnservedError
from sandbox.plugins.gitlab.project_deploy_token import ProjectDeployToken
from sandbox.plugins.gitlab.project_variable import ProjectVariable
from sandbox.plugins.gitlab.resource import Resource
from sandbox.plugins.gitlab.values import Plain, State, plain, plain_map, wrap

RESOURCES: Mapping[str, Resource] = {resource.token: resource for resource in (ProjectVariable(), ProjectDeployToken())}
CONFIG = ("token", "baseUrl", "cacertFile", "insecure", "earlyAuthCheck")
UNSERVED_CONFIG = ("clientCert", "clientKey", "configFile", "context", "enableAutoCiSupport", "headers", "retries")
_META = "__meta"
_AUTO_NAMED = "__defaults"
"""The input in which Pulumi's bridge notes which inputs it has set by itself."""


class GitlabProvider(pulumi_provider.Provider):
    """Serves RESOURCES. Every request may raise PluginError, in the official plugin's words, and UnservedError."""

    def __init__(self) -> None:
        self._configured: Client | None = None

    @property
    def _client(self) -> Client:
        if self._configured is None:
            raise PluginError("Unconfigured", "The gitlab provider has not been configured.")
        return self._configured

    async def get_schema(self, request: pulumi_provider.GetSchemaRequest) -> pulumi_provider.GetSchemaResponse:  # noqa: ARG002
        """Describe the resource types, enough for `pulumi import` to write their code."""
        return pulumi_provider.GetSchemaResponse(
            json.dumps(
                {
                    "name": "gitlab",
                    "version": VERSION,
                    "resources": {token: _described(resource) for token, resource in RESOURCES.items()},
                }
            )
        )

    async def check_config(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        """Refuse the settings that only the official plugin knows."""
        failures = [
            pulumi_provider.CheckFailure("", f"{name} is not served by this plugin; {_OFFICIAL}")
            for name in UNSERVED_CONFIG
            if name in request.new_inputs
        ]
        return pulumi_provider.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def configure(self, request: pulumi_provider.ConfigureRequest) -> pulumi_provider.ConfigureResponse:
        """Take the settings, those left out from the environment, and try the token unless told not to."""
        settings = plain_map(request.args)
        try:
            self._configured = _client(settings)
            if _flag(settings, "earlyAuthCheck", os.environ.get("GITLAB_EARLY_AUTH_CHECK", "true")):
                await asyncio.to_thread(self._client.call, "get", "/user")
        except ApiError as error:
            raise PluginError(
                "Failed to create GitLab Client from provider configuration",
                f"The provider failed to create a new GitLab Client from the given configuration: {error}",
            ) from None
        return pulumi_provider.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def invoke(self, request: pulumi_provider.InvokeRequest) -> pulumi_provider.InvokeResponse:
        """Refuse: no function is served."""
        raise UnservedError(_unserved(request.tok))

    async def check(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        """Check the inputs, and name what the program has not named."""
        resource = _resource(request.type)
        inputs = request.new_inputs
        if "name" in resource.inputs and "name" not in plain_map(inputs):
            inputs = inputs | {"name": _auto_name(request), _AUTO_NAMED: wrap(["name"])}
        failures = resource.check(_own(inputs))
        return pulumi_provider.CheckResponse(inputs=inputs, failures=failures)

    async def diff(self, request: pulumi_provider.DiffRequest) -> pulumi_provider.DiffResponse:
        """Compare the new inputs with the last known outputs."""
        resource = _resource(request.type)
        return resource.diff(plain_map(request.old_state), _own(request.new_inputs), request.ignore_changes)

    async def create(self, request: pulumi_provider.CreateRequest) -> pulumi_provider.CreateResponse:
        """Create a resource, or say what creating it would give."""
        resource, inputs = _resource(request.type), _own(request.properties)
        if request.preview:
            return pulumi_provider.CreateResponse(
                None, _outputs(resource, resource.planned(inputs), request.properties)
            )
        state = await asyncio.to_thread(resource.create, self._client, inputs)
        return pulumi_provider.CreateResponse(str(state["id"]), _outputs(resource, state, request.properties))

    async def update(self, request: pulumi_provider.UpdateRequest) -> pulumi_provider.UpdateResponse:
        """Change a resource in place, or say what changing it would give."""
        resource, inputs = _resource(request.type), _own(request.news)
        if request.preview:
            state = resource.planned(inputs) | {"id": request.resource_id}
        else:
            state = await asyncio.to_thread(resource.update, self._client, plain_map(request.olds), inputs)
        return pulumi_provider.UpdateResponse(_outputs(resource, state, request.news))

    async def read(self, request: pulumi_provider.ReadRequest) -> pulumi_provider.ReadResponse:
        """Refresh or import a resource; an answer without an id says that it is gone."""
        resource, old = _resource(request.type), plain_map(request.properties)
        state = await asyncio.to_thread(resource.read, self._client, request.resource_id, old)
        if state is None:
            return pulumi_provider.ReadResponse()
        outputs = _outputs(resource, state, request.properties | request.inputs)
        if not state["id"]:
            return pulumi_provider.ReadResponse(request.resource_id, outputs, {})
        if request.inputs:
            inputs = request.inputs | {name: outputs[name] for name in _own(request.inputs) if name in outputs}
        else:
            inputs = {name: outputs[name] for name in resource.imported_inputs(state)}
        return pulumi_provider.ReadResponse(str(state["id"]), outputs, inputs)

    async def delete(self, request: pulumi_provider.DeleteRequest) -> None:
        """Delete a resource."""
        resource = _resource(request.type)
        await asyncio.to_thread(resource.delete, self._client, plain_map(request.properties))


_OFFICIAL = f"install the official one with `pulumi plugin install resource gitlab v{VERSION}`"


def _unserved(token: str) -> str:
    served = " and ".join(name.rpartition(":")[2] for name in RESOURCES)
    return f"This stand-in for the gitlab plugin serves {served} only; for {token}, {_OFFICIAL}."


def _resource(qualified_type: str) -> Resource:
    """Find the resource type of a URN's type, where the types of its parents come first: `parent$child`."""
    token = qualified_type.rpartition("$")[2]
    try:
        return RESOURCES[token]
    except KeyError:
        raise UnservedError(_unserved(token)) from None


def _own(inputs: Mapping[str, PropertyValue]) -> State:
    """Give the inputs without Pulumi's own notes."""
    return {name: value for name, value in plain_map(inputs).items() if not name.startswith("__")}


def _outputs(resource: Resource, state: State, source: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
    """Mark as secret what always is, and what was given as a secret; add what the bridge keeps."""
    secret = resource.secret_outputs | {name for name, value in source.items() if value.contains_secret()}
    outputs = {name: wrap(value, secret=name in secret) for name, value in state.items()}
    return outputs | ({_META: wrap(resource.meta)} if resource.meta else {})


def _auto_name(request: pulumi_provider.CheckRequest) -> PropertyValue:
    """Give the name made up before, else the logical name, cut to 255 characters with 7 random hexadecimal digits."""
    made_up = request.old_inputs.get(_AUTO_NAMED)
    if made_up is not None and plain(made_up) == ["name"] and "name" in request.old_inputs:
        return request.old_inputs["name"]
    return wrap(f"{request.name[: 255 - 8]}-{request.random_seed.hex()[:7]}")


def _client(settings: State) -> Client:
    """Return the client for the provider's settings; ApiError if they make none."""
    token = str(settings.get("token") or os.environ.get("GITLAB_TOKEN", ""))
    base_url = str(settings.get("baseUrl") or os.environ.get("GITLAB_BASE_URL") or "https://gitlab.com/api/v4/")
    if not token:
        # Without a token the official plugin looks for glab's configuration.
        raise ApiError("unable to locate config file")
    if not token.isascii() or not token.isprintable():
        raise ApiError(f'Get "{base_url}": net/http: invalid header field value for "Authorization"')
    ca_file = settings.get("cacertFile")
    if isinstance(ca_file, str) and not Path(ca_file).is_file():
        raise ApiError(f"open {ca_file}: no such file or directory")
    if _flag(settings, "insecure", "false"):
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        return Client(base_url, token, verify=False)
    return Client(base_url, token, verify=ca_file if isinstance(ca_file, str) else True)


def _flag(settings: State, name: str, default: str) -> bool:
    """Read a flag, which comes as JSON in a string."""
    value: Plain = settings.get(name, default)
    try:
        return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
    except KeyError:
        raise ApiError(f"{name}: a bool is required, got {value!r}") from None


def _described(resource: Resource) -> dict[str, object]:
    inputs = {
        name: {"type": spec.kind} | ({"items": {"type": "string"}} if spec.kind == "array" else {})
        for name, spec in resource.inputs.items()
    }
    return {
        "inputProperties": inputs,
        "requiredInputs": [name for name, spec in resource.inputs.items() if spec.required and name != "name"],
        "properties": inputs | {name: {"type": kind} for name, kind in resource.outputs.items()},
    }
