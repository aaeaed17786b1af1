#!/bin/sh
# Builds the image with the builder that is there, docker (buildx), buildah or podman: packaging/image.sh [NAME:TAG].
# Files bear the time of the last commit, so that the same commit gives the same layers.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
image=${1:-tcpvs/tcpvs:$version}
epoch=$(git log -1 --format=%ct 2>/dev/null || echo 0)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-dirty
set -- --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE_DATE_EPOCH=$epoch" \
	${BASE:+--build-arg "BASE=$BASE"} ${BUILD:+--build-arg "BUILD=$BUILD"}

if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
	exec docker buildx build "$@" --provenance=false --output "type=docker,name=$image,rewrite-timestamp=true" .
elif command -v buildah >/dev/null; then
	exec buildah build "$@" --timestamp "$epoch" --tag "$image" .
elif command -v podman >/dev/null; then
	exec podman build "$@" --timestamp "$epoch" --tag "$image" .
fi
echo "make image: there is no builder. It takes one of: docker with buildx and a running daemon, buildah, podman" >&2
if command -v docker >/dev/null; then
	docker buildx version >/dev/null 2>&1 || echo "make image: docker is there, its buildx plugin is not" >&2
	docker info >/dev/null 2>&1 || echo "make image: docker is there, but its daemon does not answer" >&2
fi
exit 69
