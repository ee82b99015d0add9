#!/bin/sh
# Usage: run.sh PORT. Start the lab there; Streamlit prints the address. Started with -m, so that
# the folder of rnn_core and app is on the path, and not only that of app/main.py.
set -eu

case $1 in
    '' | *[!0-9]* | ??????*) valid=no ;;
    *) [ "$1" -ge 1 ] && [ "$1" -le 65535 ] && valid=yes || valid=no ;;
esac
if [ "$valid" = no ]; then
    echo "PORT: expected 1 to 65535, got ${1:-nothing}" >&2
    exit 1
fi

STREAMLIT_SERVER_PORT=$1 exec .venv/bin/python -m streamlit run app/main.py
