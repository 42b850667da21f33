from components.kubernetes_app.ingress import ingress
from components.settings.kubernetes import Kubernetes


def test_every_host_has_every_path_and_one_certificate_is_for_all() -> None:
    target = Kubernetes(
        host="blog.example.org", hosts=("www.example.org",), paths=("/api", "/docs"), tls_secret="blog-tls"
    )
    spec = ingress("blog.example.org", target)
    backend = {"service": {"name": "web", "port": {"name": "http"}}}
    paths = [{"path": path, "path_type": "Prefix", "backend": backend} for path in ("/api", "/docs")]
    assert spec == {
        "rules": [{"host": host, "http": {"paths": paths}} for host in ("blog.example.org", "www.example.org")],
        "tls": [{"hosts": ["blog.example.org", "www.example.org"], "secret_name": "blog-tls"}],
    }
