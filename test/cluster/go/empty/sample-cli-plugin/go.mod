// Required by k8s.io/kubernetes, used by none of the programs built here, and not published at this version.
module k8s.io/sample-cli-plugin

go 1.26.0
