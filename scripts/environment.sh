#!/bin/sh
# Usage: environment.sh REQUIREMENTS [FILE THAT IT INCLUDES]...
# Bring .venv up to date with a requirements file. The stamp holds the hash of the files that were
# installed last: while it agrees, nothing is done. It is written last, so that an interrupted
# installation is taken up again.
set -eu

python=.venv/bin/python
stamp=.venv/$1.sha256

digest() {
    "$python" -c '
import hashlib, pathlib, sys
assert sys.version_info >= (3, 11)
print(hashlib.sha256(b"\0".join(pathlib.Path(name).read_bytes() for name in sys.argv[1:])).hexdigest())
' "$@" 2>/dev/null
}

if wanted=$(digest "$@") && [ "$wanted" = "$(cat "$stamp" 2>/dev/null)" ]; then
    exit 0
fi

# An environment without pip was interrupted; one whose Python is gone was moved or outlived it.
if [ -z "$wanted" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
    builder=$(sh scripts/python.sh)
    echo "Making .venv with $builder."
    "$builder" -m venv --clear .venv
    wanted=$(digest "$@")
fi

echo "Installing $1 into .venv: a minute or two, once."
"$python" -m pip install --quiet --no-input --disable-pip-version-check -r "$1"
printf '%s\n' "$wanted" >"$stamp"
