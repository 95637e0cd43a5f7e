//go:build tools

// Package programs names what the bench builds out of this module.
package programs

import _ "k8s.io/kubernetes/cmd/kubectl"
