#!/bin/sh
# Print the Python that builds the environment, or say in one sentence what is missing.
# PYTHON=... names one; otherwise the newest that the pins were checked with comes first.
set -u

set -- python3.13 python3.12 python3.11 python3
[ -z "${PYTHON:-}" ] || set -- "$PYTHON"

too_old=
without_venv=
for name in "$@"; do
    # Run it: a version manager leaves launchers on PATH for versions that it then refuses to start.
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        too_old="$version"
    elif ! "$name" -c 'import ensurepip, venv' 2>/dev/null; then
        without_venv=${without_venv:-$version}
    else
        printf '%s\n' "$name"
        exit 0
    fi
done

if [ -n "$without_venv" ]; then
    echo "Python $without_venv cannot make an environment: type 'sudo apt-get install python$without_venv-venv' and try again." >&2
else
    echo "Python: expected 3.11 or newer, got ${too_old:-none}: install one from https://www.python.org/downloads/ and try again." >&2
fi
exit 1
