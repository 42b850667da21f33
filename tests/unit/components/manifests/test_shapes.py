"""Files of the shapes that teams deploy from CI: each is read as it is, or refused with what to change."""

import pytest

from components.image.reference import ImageReference
from components.manifests import schema
from components.manifests.load import documents
from components.manifests.reader import Read, read
from components.source.source_error import SourceError
from tests.support.project import ROOT
from tests.support.web_manifest import WEB

IMAGE = ImageReference.parse("registry.sandbox.test/group/blog:1.0.0")
SHAPES = ROOT / "tests" / "support" / "manifests"
INGRESS = """\
---
apiVersion: VERSION
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - host: HOST
      http: {paths: [{path: /, BACKEND}]}
"""
OLD_BACKEND = "backend: {serviceName: web, servicePort: 80}"
BACKEND = "pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}"


def ingress(version: str, host: str, backend: str) -> str:
    return WEB + INGRESS.replace("VERSION", version).replace("HOST", host).replace("BACKEND", backend)


def read_text(text: str, name: str = "web.yml") -> Read:
    return read(documents(text, name), schema.load(), "example", IMAGE, {})


@pytest.mark.parametrize("name", sorted(file.name for file in SHAPES.iterdir()))
def test_file_of_a_shape_that_teams_have_is_read_as_it_is(name: str) -> None:
    found = read_text((SHAPES / name).read_text(), name) if name != "services.yml" else None
    if found is None:
        # Services alone have no image.
        found = read_text(f"{(SHAPES / name).read_text()}---\n{WEB}", name)
    assert found.warnings == ()
    assert {item.body["metadata"]["namespace"] for item in found.manifests} == {"example"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Placeholders of sed, envsubst and other tools.
        (
            WEB.replace("IMAGE", "registry.example.com/${NAME}:${VERSION}"),
            ["web.yml:11 has the image 'registry.example.com/${NAME}:${VERSION}', which is no image reference; write"],
        ),
        (
            WEB.replace("IMAGE", "IMAGE:TAG"),
            ["web.yml:11 has the image 'IMAGE:TAG', which is no image reference; write I"],
        ),
        (
            WEB.replace("IMAGE", "<IMAGE>"),
            ["web.yml:11 has the image '<IMAGE>', which is no image reference; write IMAGE"],
        ),
        (
            WEB.replace("IMAGE", "__IMAGE__"),
            ["web.yml:11 has the image '__IMAGE__', which is no image reference; write I"],
        ),
        (
            WEB.replace("IMAGE", "app-image"),
            [
                "gitlab-deploy:kubernetes.manifests names files in which no container has the image of "
                "registry.sandbox.test/group/blog; write 'image: IMAGE' for it in place of one of these, app-image (web"
            ],
        ),
        (
            WEB.replace("{name: web}", "{name: 'web-$CI_ENVIRONMENT_SLUG'}"),
            ["web.yml:3 is 'web-$CI_ENVIRONMENT_SLUG', and no"],
        ),
        (
            WEB.replace("{name: web}", "{name: '${app}'}"),
            ["web.yml:3 is '${app}', and nothing but the image is replaced; w"],
        ),
        (
            WEB.replace("{name: web}", "{name: '<APP>'}"),
            ["web.yml:3 has the name '<APP>', which is no name of an object; us"],
        ),
        (
            WEB.replace("{name: web}", "{name: web, namespace: '${NAMESPACE}'}"),
            ["web.yml:3 is '${NAMESPACE}', and nothing but the image is replaced; take metadata.namespace out"],
        ),
        (
            WEB.replace("spec:\n  sel", "spec:\n  replicas: ${REPLICAS}\n  sel"),
            ["web.yml:5 is '${REPLICAS}', and nothing but the image is replaced; write the value itself"],
        ),
        (
            ingress("networking.k8s.io/v1", "APP_URL", BACKEND),
            ["web.yml:18 is 'APP_URL', which is no host name; use lower-case letters, digits, '-' and '.', with no p"],
        ),
        (
            ingress("networking.k8s.io/v1", "$HOST.example.com", BACKEND),
            ["web.yml:18 is '$HOST.example.com', and nothing "],
        ),
        # Versions that are no more.
        (
            ingress("networking.k8s.io/v1beta1", "a.example.com", OLD_BACKEND),
            [
                "web.yml:13 has the apiVersion 'networking.k8s.io/v1beta1', which has no Ingress; use "
                "networking.k8s.io/v1, with pathType, service.name and service.port.number"
            ],
        ),
        (
            ingress("networking.k8s.io/v1", "a.example.com", OLD_BACKEND),
            [
                "web.yml:19 is the field 'serviceName', which IngressBackend does not have; write 'service: {name: NAM",
                "web.yml:19 is the field 'servicePort', which IngressBackend does not have; write 'service: {name: NAM",
                "web.yml:19 has no pathType; write pathType: one of Exact, ImplementationSpecific, Prefix",
            ],
        ),
        # What the API server would refuse, or leave out without a word.
        (
            WEB + "          imagePullpolicy: Always\n",
            ["web.yml:12 is the field 'imagePullpolicy', which Container does not have; did you mean imagePullPolicy?"],
        ),
        (WEB + "          imagePullPolicy: always\n", ["web.yml:12 is 'always'; write Always"]),
        (
            WEB + '          ports: [{containerPort: "80"}]\n',
            ["web.yml:12 is a text, and containerPort is a number; take th"],
        ),
        (
            WEB + "          args: [--port, 8080]\n",
            ["web.yml:12 is a number, and each of args is a text; put it in quotes"],
        ),
        (WEB + "      nodeSelector: {gpu: yes}\n", ["web.yml:12 is true, and gpu is a text; put it in quotes"]),
        (
            WEB + "      containers2: []\n",
            ["web.yml:12 is the field 'containers2', which PodSpec does not have; did you mean"],
        ),
        (WEB.replace("  selector: {matchLabels: {app: web}}\n", ""), ["web.yml:4 has no selector; write selector"]),
        (
            WEB + "          ports: [{name: a, containerPort: 80}, {name: b, containerPort: 80}]\n",
            ["web.yml:12 is the second of ports with containerPort 80, protocol TCP; keep one of them"],
        ),
        (
            WEB + "          env: [{name: A, value: x}, {name: A, value: z}]\n",
            ["web.yml:12 is the second of env with name A; keep one of them"],
        ),
        (
            WEB.replace("{app: web}}\n    spec", "{app: web, v: a b}}\n    spec"),
            ["web.yml:7 is 'a b', which is no value of a"],
        ),
        (
            WEB.replace("{name: web}", "{name: My_App}"),
            ["web.yml:3 has the name 'My_App', which is no name of an object; u"],
        ),
        (
            f"{WEB}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web.x}}\nspec: {{ports: [{{port: 80}}]}}\n",
            ["web.yml:15 has the name 'web.x', which is no name of a Service; begin with a letter, use '-' in place "],
        ),
        (
            f"{WEB}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata:\n  DEBUG: true\n  PORT: 80\n",
            [
                "web.yml:17 is true, and DEBUG is a text; put it in quotes",
                "web.yml:18 is a number, and PORT is a text; put ",
            ],
        ),
        (
            WEB.replace("    spec:", "\tspec:"),
            ["web.yml:8 is no YAML (found character that cannot start any token); indent with spaces, not with a tab"],
        ),
        (
            f"{WEB}  - x: 1\n",
            ["web.yml:12 is no YAML (did not find expected key); correct the indentation, a quote or"],
        ),
        (
            f"{WEB}---\napiVersion: core/v1\nkind: Service\n",
            ["web.yml:13 has the apiVersion 'core/v1', which does not "],
        ),
        # What is for another tool.
        (
            f"{WEB}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {{{{ .Release.Name }}}}\n",
            ["web.yml:16 is a template, and no YAML; name what 'helm template' makes of the chart"],
        ),
        (
            f"{WEB}spec2:\n  {{{{- if .Values.x }}}}\n",
            ["web.yml:13 is a template, and no YAML; name what 'helm template' m"],
        ),
        (
            WEB.replace("{name: web}", "{name: '{{ .Release.Name }}'}"),
            ["web.yml:3 is '{{ .Release.Name }}', a template; name what 'helm template', or its own tool, makes of it"],
        ),
        (
            WEB.replace("apps/v1\nkind: Deployment", "kustomize.config.k8s.io/v1beta1\nkind: Component"),
            ["web.yml:2 is a kustomization, which is not built here; name what 'kubectl kustomize' makes of it"],
        ),
        (
            f"{WEB}---\nservices: {{web: {{image: IMAGE}}}}\n",
            ["web.yml:13 has no apiVersion, kind and metadata, so that it is no object of Kubernetes; take it out of"],
        ),
        (
            f"{WEB}---\napiVersion: v1\nkind: Config\nusers: []\n",
            ["web.yml:13 is a kubeconfig; take it out of kubernetes.manifests"],
        ),
        (
            WEB.replace("\n          image: IMAGE", ""),
            ["web.yml:10 is a container with no image; write an image, or IMAGE for the stack's; if it is a patch, n"],
        ),
        # Secrets.
        (
            f"{WEB}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData: {{a: $PASSWORD, port: 1}}\n",
            ["web.yml:16 is a Secret with values in the file; revoke them, take the document out, and set new ones w"],
        ),
        (
            f"{WEB}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: r}}\ntype: kubernetes.io/dockerconfigjson\n",
            ["web.yml:16 is a Secret with the login of a registry in the file; take the document out: the block"],
        ),
        (
            f"{WEB}---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: x}}\n",
            ["web.yml:14 is an IngressClass, which belongs to no namespace; take it out, and have it made by whoever"],
        ),
    ],
)
def test_file_that_cannot_be_deployed_says_what_to_change(text: str, expected: list[str]) -> None:
    with pytest.raises(SourceError) as refused:
        read_text(text)
    problems = [str(problem) for problem in refused.value.problems]
    assert len(problems) == len(expected), problems
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start)


@pytest.mark.parametrize(("name", "tool"), [("Chart.yaml", "helm template"), ("values.yaml", "helm template")])
def test_file_of_a_chart_names_the_tool_that_builds_it(name: str, tool: str) -> None:
    with pytest.raises(SourceError, match=f"{name}:1 is of a Helm chart, which is not built here; name what '{tool}'"):
        read_text("apiVersion: v2\nname: blog\n", f"chart/{name}")


LEFT_OUT = "take it out: the provider leaves out what it does not know"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "          fromTheFuture: 1\n",
            f"'fromTheFuture', which Container does not have in Kubernetes 1.35; {LEFT_OUT}",
        ),
        (
            "      ports: [{containerPort: 80}]\n",
            "'ports', which PodSpec does not have in Kubernetes 1.35; move it into containers or ephemeralContainers "
            "or initContainers",
        ),
        (
            "          replicas: 2\n",
            "'replicas', which Container does not have in Kubernetes 1.35; indent it less: it belongs to spec",
        ),
        (
            "          imagePull: Always\n",
            "'imagePull', which Container does not have in Kubernetes 1.35; did you mean imagePullPolicy?",
        ),
    ],
)
def test_a_field_that_the_provider_would_leave_out_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SourceError) as refused:
        read_text(WEB + text)
    assert [str(one) for one in refused.value.problems] == [f"web.yml:12 is the field {problem}"]


def test_a_choice_that_only_a_newer_kubernetes_may_have_is_a_warning() -> None:
    assert read_text(f"{WEB}          imagePullPolicy: WhenIdle\n").warnings == (
        "web.yml:12 is 'WhenIdle', and imagePullPolicy is one of Always, IfNotPresent, Never in Kubernetes 1.35; a "
        "cluster that does not have it refuses it",
    )


CONFIG = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n"
REPLACED = "which nothing replaces: Kubernetes replaces $({}) alone, in commands, arguments and variables"


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (
            "          env: [{name: URL, value: 'jdbc://${DB_HOST}/$DB'}]\n",
            [
                f"web.yml:12 has ${{DB_HOST}} in it, {REPLACED.format('DB_HOST')}",
                f"web.yml:12 has $DB in it, {REPLACED.format('DB')}",
            ],
        ),
        (
            "          env: [{name: URL, value: '${DB_URL}'}]\n",
            [f"web.yml:12 has ${{DB_URL}} in it, {REPLACED.format('DB_URL')}"],
        ),
        (
            "          env: [{name: FORMAT, value: '{{.Level}}'}]\n",
            ["web.yml:12 has {{.Level}} in it, which nothing replaces: Helm would, before kubectl apply"],
        ),
        ("          env: [{name: URL, value: '$(DB_URL)/$$x'}]\n", []),
        ("          args: ['-c', 'exec app --url=${DB_URL:-none} $FLAGS']\n", []),
        ("          readinessProbe: {exec: {command: [sh, -c, 'test $HOME']}}\n", []),
        (f"{CONFIG}  nginx.conf: 'proxy_set_header Host $host; set $X ${{Y}};'\n", []),
        (f"{CONFIG}  run.sh: 'echo $FOO'\n  log: '{{{{.Time}}}}'\n", []),
        (f"{CONFIG}  image: $IMAGE\n", [f"web.yml:17 has $IMAGE in it, {REPLACED.format('IMAGE')}"]),
        (f"{CONFIG}  url: ${{DB_URL}}\n", [f"web.yml:17 has ${{DB_URL}} in it, {REPLACED.format('DB_URL')}"]),
    ],
)
def test_leftover_that_a_program_may_read_is_a_warning_at_most(text: str, warnings: list[str]) -> None:
    assert list(read_text(WEB + text).warnings) == warnings


SERVICE = f"""\
{WEB}---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{ports: [{{port: 80, targetPort: AT}}]}}
"""


@pytest.mark.parametrize(
    ("text", "line", "value"),
    [
        (WEB + "          ports: [{containerPort: $PORT}]\n", 12, "$PORT"),
        (SERVICE.replace("AT", "$PORT"), 16, "$PORT"),
        (WEB + "          livenessProbe: {httpGet: {path: /, port: '${PORT}'}}\n", 12, "${PORT}"),
        (WEB + "          resources: {limits: {memory: '${MEMORY}'}}\n", 12, "${MEMORY}"),
        (WEB + "          imagePullPolicy: $POLICY\n", 12, "$POLICY"),
        (WEB.replace("labels: {app: web}", "labels: {app: web, v: $VERSION}"), 7, "$VERSION"),
        (f"{WEB}---\napiVersion: a.example.com/v1\nkind: Site\nmetadata: {{name: 'x-$SLUG'}}\n", 15, "x-$SLUG"),
        (
            ingress("networking.k8s.io/v1", "a.example.com", BACKEND) + "  tls: [{hosts: ['$HOST']}]\n",
            20,
            "$HOST",
        ),
    ],
)
def test_leftover_where_the_cluster_takes_none_is_refused(text: str, line: int, value: str) -> None:
    with pytest.raises(SourceError) as refused:
        read_text(text)
    (problem,) = refused.value.problems
    assert str(problem) == (
        f"web.yml:{line} is '{value}', and nothing but the image is replaced; write the value itself"
    )
