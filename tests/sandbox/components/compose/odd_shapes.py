"""Compose files in which an order of steps, an escape or an empty key decides: file by file, a later one over it."""

FILES = {
    "odd.env": r"""# c
P=#s3cret
Q='it\'s'
R="x"y
URL=http://$HOST:$PORT/$A
NOT
export F = a  # b
G=a	#b
H="tab\tquote\" dollar\$A octal\0101 other\q"
""",
    "raw.env": "Logging:Level=a b # c\nS= x \nT='$A'\n",
}
SHAPES: dict[str, list[str]] = {
    "nothing said": [
        """\
services:
  web:
    image: IMAGE
    command: [a]
    entrypoint: [b]
    environment: {A: "1", B: "2"}
    labels: {x: "1"}
    ports: ["80:80"]
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, a], interval: 5s}
    networks: {proxy: {aliases: [w]}}
    user: "5"
    restart: always
volumes: {data: {external: true, name: pgdata}}
networks: {proxy: {external: true, name: outside}}
""",
        """\
services:
  web:
    command:
    entrypoint:
    environment:
    labels:
    ports:
    volumes:
    healthcheck:
    networks: [proxy]
    user:
    restart:
volumes:
  data:
networks:
  proxy:
""",
    ],
    "taken away": [
        """\
services:
  web:
    image: IMAGE
    environment: {A: "1", B: "2"}
    labels: {x: "1"}
    ports: ["80:80", "443:443"]
    volumes: ["/a:/data"]
    user: "5"
  base: {image: "nginx:1", environment: {A: "1"}, ports: ["2:2"]}
  heir: {extends: base, ports: !override ["1:1"]}
""",
        """\
services:
  web:
    environment: {A: !reset null}
    labels: !override {y: "2"}
    ports: !override ["8080:80"]
    volumes: !reset []
    user: !reset
  base: {environment: {A: "2", C: "3"}}
""",
    ],
    "variables": [
        r"""
services:
  web:
    image: "${NOT:-registry.example.com/group/blog}:1.0.0"
    labels:
      - a.${LEVEL}.b=1
      - project=${COMPOSE_PROJECT_NAME}
      - 'braces=${NOT:-{"a":1}}'
      - 'set=${LEVEL:-{"a":1}}'
    environment: ["${LEVEL}_A=1", "${NOT:-X=Y}"]
    volumes: ["${NOT:-/srv/a}:/data/"]
    ports: ["${NOT:-${PORT}}:80"]
    command: sh -c "echo \$$HOME 'a b'" a\ b 'it'\''s' "c\d" #x
  x-ray: {image: "jaeger:1", tty: yes, init: on}
""",
        """\
services:
  web:
    labels: ["a.${LEVEL}.b=2"]
    environment: {A: 1e6, B: 1234567.5, C: 1.50, D: 0x10, E: 0.00001, F: 100.0}
    volumes: ["/srv/b:/data"]
    tmpfs: [/run]
""",
    ],
    "files of variables": [
        """\
services:
  web:
    image: IMAGE
    env_file: [one.env, odd.env, {path: raw.env, format: raw}]
    environment: {HOST: own, C: "3"}
"""
    ],
}
