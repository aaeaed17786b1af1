#!/bin/sh
# Fetches Autobahn's WebSocket test suite into the folder $1. The suite is a program for Python 2, of which Debian has none any
# more: Jython runs it, with its libraries in versions that know Python 2. Needs Java, Maven and pip. Exit 69: one is missing.
set -eu
for command in java mvn python3; do
	command -v $command >/dev/null || { echo "Autobahn's suite needs $command" >&2; exit 69; }
done
[ ! -e "$1/lib" ] || exit 0
mkdir -p "$1"
made=$(mktemp -d "$1/made.XXXXXX")
trap 'rm -rf "$made"' EXIT

mvn -q dependency:copy -Dartifact=org.python:jython-standalone:2.7.4 -DoutputDirectory="$made" >&2
pip() { python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$made" "$@" >&2; }
pip autobahntestsuite==25.10.1
pip --no-binary autobahn,txaio autobahn==0.10.9 txaio==2.0.2
python2="--python-version 2.7 --only-binary=:all:"
# shellcheck disable=SC2086
pip $python2 --implementation py --abi none --platform any attrs==21.4.0 Automat==22.10.0 constantly==15.1.0 \
	hyperlink==21.0.0 idna==2.10 incremental==22.10.0 Jinja2==2.11.3 setuptools==44.1.1 six==1.16.0 typing==3.10.0.0
# Their compiled parts are optional, and nothing for Jython.
# shellcheck disable=SC2086
pip $python2 --implementation cp --abi cp27mu --platform manylinux1_x86_64 MarkupSafe==1.1.1 Twisted==20.3.0 zope.interface==4.7.2

mkdir "$made/lib"
for wheel in "$made"/*.whl; do python3 -m zipfile -e "$wheel" "$made/lib"; done
for archive in "$made"/*.tar.gz; do tar -xzf "$archive" -C "$made"; done
mv "$made"/autobahn-0.10.9/autobahn "$made"/txaio-2.0.2/txaio "$made"/autobahntestsuite-25.10.1/autobahntestsuite "$made/lib"
find "$made/lib" -name '*.so' -delete
touch "$made/lib/zope/__init__.py"
mv "$made"/jython-standalone-*.jar "$1/jython.jar"
mv "$made/lib" "$1/lib"
