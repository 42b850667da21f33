# Sourced (by bash) in the jobs of templates/, in the folder of the program: has Python's packages, Pulumi's plugins and
# the credentials ready. $1 is the folder that the job's cache keeps: plugins and virtual environment, and
# nothing else of PULUMI_HOME, which holds credentials.
mkdir -p "$1/plugins" "${PULUMI_HOME:=$HOME/.pulumi}"
[ -e "$PULUMI_HOME/plugins" ] || ln -s "$(realpath "$1/plugins")" "$PULUMI_HOME/plugins"

# With the packages of the image, so that a runner image that has them warm installs nothing.
[ -x "$1/venv/bin/python" ] || python3 -m venv --system-site-packages "$1/venv"
ln -sfn "$(realpath "$1/venv")" .venv
gitlab_deploy_wanted=$(cat requirements.txt ops/requirements.txt | sha256sum)
if [ "$(cat .venv/gitlab-deploy 2>/dev/null)" != "$gitlab_deploy_wanted" ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r ops/requirements.txt
  echo "$gitlab_deploy_wanted" >.venv/gitlab-deploy
fi
export PULUMI_HOME PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"

# A runner writes file variables for everybody to read, and ssh takes no such key.
[ ! -f "${SSH_KEY:-}" ] || chmod 600 "$SSH_KEY"

# The variable's form base64: what it holds is the file. Put where the runner removes it.
if [ -n "${KUBECONFIG:-}" ] && [ ! -e "$KUBECONFIG" ]; then
  gitlab_deploy_kubeconfig=$(mktemp -p "${RUNNER_TEMP_PROJECT_DIR:-${TMPDIR:-/tmp}}")
  printenv KUBECONFIG | base64 -d >"$gitlab_deploy_kubeconfig"
  export KUBECONFIG=$gitlab_deploy_kubeconfig
fi
