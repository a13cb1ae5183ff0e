#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder's container.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
here="$root/source"

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}
find_python() {
    for python in python3 python3.13 python3.12 python3.11; do
        if usable "$python"; then return; fi
    done
    return 1
}
if ! find_python; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3.12 python3.12-venv ||
        apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv
    find_python || { echo "setup.sh: no Python 3.11 to 3.13; choose a newer base image" >&2; exit 1; }
fi

"$python" -m venv "$root/venv"
"$root/venv/bin/python" -m pip install --disable-pip-version-check --quiet -r "$here/requirements.txt"
cp -r "$here"/packages/. "$("$root/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
# Hidden checks and solutions: for root alone. Where there are no namespaces, this is what keeps students out.
chmod -R go-rwx "$here"
