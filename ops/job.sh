# shellcheck shell=bash
# Sourced by the jobs of templates/, in the folder of the program: prepares Python's packages and the job's credentials.
# Nothing comes from a cache, which another branch's job may have written: a runner image that has the CLI's plugins and
# the packages makes this a matter of a second, and without them a job downloads them.

# What only this job needs is removed at its end. The runner's own folder is preferred, which it cleans if a job is killed.
gitlab_deploy_parent=${RUNNER_TEMP_PROJECT_DIR:-${TMPDIR:-/tmp}}
mkdir -p "$gitlab_deploy_parent"
gitlab_deploy_temporary=$(mktemp -d "$gitlab_deploy_parent/gitlab-deploy.XXXXXXXXXX")
trap 'rm -rf "$gitlab_deploy_temporary"' EXIT

# A runner image says where its plugins are. Without that the job gets a PULUMI_HOME of its own, since on a shell executor
# ~/.pulumi is shared by the jobs of all projects: their plugins would run with this job's credential. The login that is
# there is used if the job has none.
if [ -z "${PULUMI_HOME:-}" ]; then
  if [ -z "${PULUMI_BACKEND_URL:-}${PULUMI_ACCESS_TOKEN:-}${PULUMI_CREDENTIALS_PATH:-}" ] && [ -e "$HOME/.pulumi/credentials.json" ]; then
    export PULUMI_CREDENTIALS_PATH=$HOME/.pulumi
  fi
  PULUMI_HOME=$gitlab_deploy_temporary/pulumi
fi
mkdir -p "$PULUMI_HOME"

# The virtual environment sees the packages of the image, so that a runner image with all of them installs nothing. One that
# is in the checkout may be another job's, and is not used.
rm -rf .venv
python3 -m venv --without-pip --system-site-packages .venv
# pip takes seconds to find that nothing is missing.
.venv/bin/python 2>/dev/null <<'END' || {
import re
from importlib.metadata import version

pins = re.findall(r"^([\w.-]+)==(\S+) \\$", open("ops/requirements.lock").read(), re.MULTILINE)
assert pins and all(version(name) == pinned for name, pinned in pins)
END
  .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r ops/requirements.lock
}
export PULUMI_HOME PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"

# A runner writes file variables readable by everybody, and ssh refuses such a key.
[ ! -f "${SSH_KEY:-}" ] || chmod 600 "$SSH_KEY"

# The variable's form base64: its value is the file.
if [ -n "${KUBECONFIG:-}" ] && [ ! -e "$KUBECONFIG" ]; then
  (umask 077 && printenv KUBECONFIG | base64 -d >"$gitlab_deploy_temporary/kubeconfig")
  export KUBECONFIG=$gitlab_deploy_temporary/kubeconfig
fi
