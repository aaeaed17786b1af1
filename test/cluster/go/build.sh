#!/bin/sh
# Builds the programs of the test cluster (API server, controller manager, scheduler, kube-proxy, kubectl, etcd, helm,
# h2spec) from the Go module proxy, and links them as .cache/cluster/bin. About ten minutes on two cores, once: the result
# lies in the user's cache under the hash of what it is built from, so that all checkouts of a machine share it.
#
# Exit 0: they are there. 69: there is no Go.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
kubernetes=v1.37.2
helm=v4.3.1

key=$(cat "$here/go.mod" "$here/go.sum" "$here/build.sh" | sha256sum | cut -c1-16)
store=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tcpvs/cluster/$key
mkdir -p "$store" "$root/.cache/cluster"
ln -sfn "$store/bin" "$root/.cache/cluster/bin"
[ -e "$store/bin" ] && exit 0

command -v go >/dev/null || {
	echo "the cluster tests need Go, to build kube-apiserver and its like, or these programs in TCPVS_CLUSTER_BIN" >&2
	exit 69
}
exec 9>"$store/lock"
command -v flock >/dev/null && flock 9
[ -e "$store/bin" ] && exit 0 # somebody else built them while this one waited

made=$store/made.$$
trap 'rm -rf "$made"' EXIT
mkdir "$made"
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
go_build() { # NAME PACKAGE
	echo "building $1" >&2
	nice go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes \
		-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37" -o "$made/$1" "$2"
}
cd "$here"
go_build etcd go.etcd.io/etcd/server/v3
for name in kube-apiserver kubectl kube-controller-manager kube-scheduler kube-proxy; do
	go_build $name k8s.io/kubernetes/cmd/$name
done
go_build h2spec github.com/summerwind/h2spec/cmd/h2spec
echo "building helm" >&2
GOBIN=$made nice go install -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$helm" helm.sh/helm/v4/cmd/helm@$helm
mv "$made" "$store/bin"
