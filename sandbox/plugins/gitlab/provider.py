"""The provider: Pulumi's requests (pulumi/provider.proto), handed to the resource type they are about."""

# ruff: noqa: ARG002, N802 - the protocol names the methods and their arguments

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import urllib3
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]

from sandbox.plugins.gitlab import VERSION
from sandbox.plugins.gitlab.client import ApiError, Client, PluginError, UnservedError
from sandbox.plugins.gitlab.project_deploy_token import ProjectDeployToken
from sandbox.plugins.gitlab.project_variable import ProjectVariable
from sandbox.plugins.gitlab.resource import Resource
from sandbox.plugins.gitlab.values import Plain, Properties, State, holds_secret, plain, plain_map, wire, wrap
from sandbox.plugins.stubs import plugin_pb2, provider_pb2_grpc
from sandbox.plugins.stubs import provider_pb2 as pb

RESOURCES: Mapping[str, Resource] = {resource.token: resource for resource in (ProjectVariable(), ProjectDeployToken())}
CONFIG = ("token", "baseUrl", "cacertFile", "insecure", "earlyAuthCheck")
UNSERVED_CONFIG = ("clientCert", "clientKey", "configFile", "context", "enableAutoCiSupport", "headers", "retries")
_META = "__meta"
_AUTO_NAMED = "__defaults"
"""The input in which Pulumi's bridge notes which inputs it has set by itself."""


class GitlabProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves RESOURCES. Every request may raise PluginError, in the official plugin's words, and UnservedError."""

    def __init__(self) -> None:
        self._configured: Client | None = None

    @property
    def _client(self) -> Client:
        if self._configured is None:
            raise PluginError("Unconfigured", "The gitlab provider has not been configured.")
        return self._configured

    def GetPluginInfo(self, request: Empty, context: object) -> plugin_pb2.PluginInfo:
        """The version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: Empty, context: object) -> Empty:
        """Nothing: each request has a limit of its own."""
        return Empty()

    def GetSchema(self, request: pb.GetSchemaRequest, context: object) -> pb.GetSchemaResponse:
        """Describe the resource types, enough for `pulumi import` to write their code."""
        resources = {token: _described(resource) for token, resource in RESOURCES.items()}
        return pb.GetSchemaResponse(schema=json.dumps({"name": "gitlab", "version": VERSION, "resources": resources}))

    def CheckConfig(self, request: pb.CheckRequest, context: object) -> pb.CheckResponse:
        """Refuse the settings that only the official plugin knows."""
        reasons = [
            f"{name} is not served by this plugin; {_OFFICIAL}"
            for name in UNSERVED_CONFIG
            if name in request.news.fields
        ]
        return pb.CheckResponse(inputs=request.news, failures=_failures(reasons))

    def DiffConfig(self, request: pb.DiffRequest, context: object) -> pb.DiffResponse:
        """No other setting needs other resources."""
        return pb.DiffResponse(hasDetailedDiff=True)

    def Configure(self, request: pb.ConfigureRequest, context: object) -> pb.ConfigureResponse:
        """Take the settings, those left out from the environment, and try the token unless told not to."""
        settings = plain_map(request.args.fields)
        try:
            self._configured = _client(settings)
            if _flag(settings, "earlyAuthCheck", os.environ.get("GITLAB_EARLY_AUTH_CHECK", "true")):
                self._client.call("get", "/user")
        except ApiError as error:
            raise PluginError(
                "Failed to create GitLab Client from provider configuration",
                f"The provider failed to create a new GitLab Client from the given configuration: {error}",
            ) from None
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(self, request: pb.InvokeRequest, context: object) -> pb.InvokeResponse:
        """Refuse: no function is served."""
        raise UnservedError(_unserved(request.tok))

    def Check(self, request: pb.CheckRequest, context: object) -> pb.CheckResponse:
        """Check the inputs, and name what the program has not named."""
        resource = _resource(request.urn)
        inputs = dict(request.news.fields)
        if "name" in resource.inputs and "name" not in plain_map(inputs):
            inputs |= {"name": _auto_name(request), _AUTO_NAMED: wrap(["name"])}
        return pb.CheckResponse(inputs=wire(inputs), failures=_failures(resource.check(_own(inputs))))

    def Diff(self, request: pb.DiffRequest, context: object) -> pb.DiffResponse:
        """Compare the new inputs with the last known outputs."""
        resource = _resource(request.urn)
        state, inputs = plain_map(request.olds.fields), _own(request.news.fields)
        found = resource.diff(state, inputs, list(request.ignoreChanges))
        changes = pb.DiffResponse.DIFF_SOME if found.diffs else pb.DiffResponse.DIFF_NONE
        return pb.DiffResponse(changes=changes, replaces=found.replaces, diffs=found.diffs)

    def Create(self, request: pb.CreateRequest, context: object) -> pb.CreateResponse:
        """Create a resource, or say what creating it would give."""
        resource, given = _resource(request.urn), request.properties.fields
        if request.preview:
            return pb.CreateResponse(properties=_outputs(resource, resource.planned(_own(given)), given))
        state = resource.create(self._client, _own(given))
        return pb.CreateResponse(id=str(state["id"]), properties=_outputs(resource, state, given))

    def Update(self, request: pb.UpdateRequest, context: object) -> pb.UpdateResponse:
        """Change a resource in place, or say what changing it would give."""
        resource, given = _resource(request.urn), request.news.fields
        if request.preview:
            state = resource.planned(_own(given)) | {"id": request.id}
        else:
            state = resource.update(self._client, plain_map(request.olds.fields), _own(given))
        return pb.UpdateResponse(properties=_outputs(resource, state, given))

    def Read(self, request: pb.ReadRequest, context: object) -> pb.ReadResponse:
        """Refresh or import a resource; an answer without an id says that it is gone."""
        resource, given = _resource(request.urn), dict(request.inputs.fields)
        state = resource.read(self._client, request.id, plain_map(request.properties.fields))
        if state is None:
            return pb.ReadResponse()
        outputs = _outputs(resource, state, dict(request.properties.fields) | given)
        if not state["id"]:
            return pb.ReadResponse(id=request.id, properties=outputs, inputs=wire({}))
        names = [name for name in _own(given) if name in outputs.fields] if given else resource.imported_inputs(state)
        inputs = given | {name: outputs.fields[name] for name in names}
        return pb.ReadResponse(id=str(state["id"]), properties=outputs, inputs=wire(inputs))

    def Delete(self, request: pb.DeleteRequest, context: object) -> Empty:
        """Delete a resource."""
        _resource(request.urn).delete(self._client, plain_map(request.properties.fields))
        return Empty()


_OFFICIAL = f"install the official one with `pulumi plugin install resource gitlab v{VERSION}`"


def _unserved(token: str) -> str:
    served = " and ".join(name.rpartition(":")[2] for name in RESOURCES)
    return f"This stand-in for the gitlab plugin serves {served} only; for {token}, {_OFFICIAL}."


def _resource(urn: str) -> Resource:
    """Find the resource type of a URN, in which the types of its parents come first: `parent$child`."""
    token = urn.split("::", 3)[2].rpartition("$")[2]
    try:
        return RESOURCES[token]
    except KeyError:
        raise UnservedError(_unserved(token)) from None


def _failures(reasons: Iterable[str]) -> list[pb.CheckFailure]:
    """Without the name of a property: for a named one the engine prints the value too."""
    return [pb.CheckFailure(reason=reason) for reason in reasons]


def _own(inputs: Properties) -> State:
    """Give the inputs without Pulumi's own notes."""
    return {name: value for name, value in plain_map(inputs).items() if not name.startswith("__")}


def _outputs(resource: Resource, state: State, source: Properties) -> Struct:
    """Mark as secret what always is, and what was given as a secret; add what the bridge keeps."""
    secret = resource.secret_outputs | {name for name, value in source.items() if holds_secret(value)}
    outputs = {name: wrap(value, secret=name in secret) for name, value in state.items()}
    return wire(outputs | ({_META: wrap(resource.meta)} if resource.meta else {}))


def _auto_name(request: pb.CheckRequest) -> Value:
    """Give the name made up before, else the logical name, cut to 255 characters with 7 random hexadecimal digits."""
    old = request.olds.fields
    if _AUTO_NAMED in old and plain(old[_AUTO_NAMED]) == ["name"] and "name" in old:
        return old["name"]
    return wrap(f"{request.urn.split('::', 3)[3][: 255 - 8]}-{request.randomSeed.hex()[:7]}")


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
