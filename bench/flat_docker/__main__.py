"""The container of a site as one flat program: the new one starts beside the old one, and nothing else is asked."""

import json

import pulumi
import pulumi_docker as docker

config = pulumi.Config()
host = config.require("host")
router = "traefik.http.routers.flat"
labels = {
    "traefik.enable": "true",
    "traefik.docker.network": "traefik",
    f"{router}.rule": f"Host(`{host}`)",
    f"{router}.entrypoints": "websecure",
    f"{router}.tls": "true",
    "traefik.http.services.flat.loadbalancer.server.port": "8080",
}
login: docker.ProviderRegistryAuthArgsDict = {
    "address": "registry.sandbox.test",
    "username": config.require("user"),
    "password": pulumi.Output.secret(config.require("password")),
}
daemon = docker.Provider(
    "docker",
    host=config.require("address"),
    ssh_opts=json.loads(config.require("options")),
    registry_auth=[login],
)
on_host = pulumi.ResourceOptions(provider=daemon)
image = docker.RemoteImage("image", name=config.require("image"), keep_locally=True, opts=on_host)
docker.Container(
    # Named by Pulumi, so that the new one may be there with the old one.
    "web",
    image=image.image_id,
    restart="always",
    labels=[{"label": label, "value": value} for label, value in labels.items()],
    networks_advanced=[{"name": "traefik"}],
    healthcheck={"tests": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"], "interval": "1s"},
    wait=True,
    wait_timeout=60,
    destroy_grace_seconds=30,
    opts=on_host,
)
