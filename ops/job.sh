# shellcheck shell=bash
# Sourced by the jobs of templates/, in the folder of the program: prepares Python's packages, Pulumi's plugins and the
# job's credentials. $1 is the folder that the job's cache keeps: plugins and virtual environment, and nothing else of
# PULUMI_HOME, which holds credentials.

# What only this job needs is removed at its end. The runner's own folder is preferred, which it cleans if a job is killed.
gitlab_deploy_parent=${RUNNER_TEMP_PROJECT_DIR:-${TMPDIR:-/tmp}}
mkdir -p "$gitlab_deploy_parent"
gitlab_deploy_temporary=$(mktemp -d "$gitlab_deploy_parent/gitlab-deploy.XXXXXXXXXX")
trap 'rm -rf "$gitlab_deploy_temporary"' EXIT

# A runner image has its plugins in ~/.pulumi. On a shell executor that folder is shared by the jobs of all projects, so
# that a job there gets a PULUMI_HOME of its own, with a login on that machine if the job has none.
if [ -z "${PULUMI_HOME:-}" ]; then
  PULUMI_HOME=$HOME/.pulumi
  if [ ! -d "$PULUMI_HOME/plugins" ] || [ -L "$PULUMI_HOME/plugins" ]; then
    if [ -z "${PULUMI_BACKEND_URL:-}${PULUMI_ACCESS_TOKEN:-}${PULUMI_CREDENTIALS_PATH:-}" ] && [ -e "$PULUMI_HOME/credentials.json" ]; then
      export PULUMI_CREDENTIALS_PATH=$PULUMI_HOME
    fi
    PULUMI_HOME=$gitlab_deploy_temporary/pulumi
  fi
fi
mkdir -p "$1/plugins" "$PULUMI_HOME"
# The link of an earlier job may be to another project's cache, or to one that was removed.
case $(readlink "$PULUMI_HOME/plugins" || true) in
  */"$(basename "$1")"/plugins) rm -f "$PULUMI_HOME/plugins" ;;
esac
[ -e "$PULUMI_HOME/plugins" ] || ln -sfn "$(realpath "$1/plugins")" "$PULUMI_HOME/plugins"

# The virtual environment sees the packages of the image, so that a runner image with all of them installs nothing.
[ -x "$1/venv/bin/python" ] || python3 -m venv --clear --system-site-packages "$1/venv"
ln -sfn "$(realpath "$1/venv")" .venv
gitlab_deploy_wanted=$(cat requirements.txt ops/requirements.txt | sha256sum)
if [ "$(cat .venv/gitlab-deploy 2>/dev/null)" != "$gitlab_deploy_wanted" ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r ops/requirements.txt
  echo "$gitlab_deploy_wanted" >.venv/gitlab-deploy
fi
export PULUMI_HOME PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"

# A runner writes file variables readable by everybody, and ssh refuses such a key.
[ ! -f "${SSH_KEY:-}" ] || chmod 600 "$SSH_KEY"

# The variable's form base64: its value is the file.
if [ -n "${KUBECONFIG:-}" ] && [ ! -e "$KUBECONFIG" ]; then
  (umask 077 && printenv KUBECONFIG | base64 -d >"$gitlab_deploy_temporary/kubeconfig")
  export KUBECONFIG=$gitlab_deploy_temporary/kubeconfig
fi
