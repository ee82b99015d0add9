#!/bin/sh
# Make sure that a browser of the Chromium family starts: the browser tests drive the system's one.
set -u

works() {
    # Run it: some distributions install a stub that only asks for another package.
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        "$name" --version >/dev/null 2>&1 && return 0
    done
    return 1
}

works && exit 0
remedy="type 'sudo apt-get update && sudo apt-get install -y chromium' (or install Chromium as your system does) and try again."
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "The browser tests need Chromium: $remedy" >&2
    exit 1
fi

echo "Installing Chromium for the browser tests."
export DEBIAN_FRONTEND=noninteractive
# fonts-dejavu-core has the mathematical signs that the pages print.
if apt-get -qq update && apt-get -qq install -y chromium fonts-dejavu-core >/dev/null && works; then
    exit 0
fi
echo "Chromium could not be installed: $remedy" >&2
exit 1
