#!/bin/sh
# Make sure that a browser of the Chromium family starts: the browser tests drive the system's one.
set -u

works() {
    # Run it: some distributions install a stub that only asks for another package.
    for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
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
apt-get -qq update
# The first one is Chromium without its windows: a smaller package, which not every system has.
# fonts-dejavu-core has the mathematical signs that the pages print.
for name in chromium-headless-shell chromium; do
    apt-get -qq install -y "$name" fonts-dejavu-core >/dev/null && works && exit 0
done
echo "Chromium could not be installed: $remedy" >&2
exit 1
