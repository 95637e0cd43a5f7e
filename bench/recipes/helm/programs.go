//go:build tools

// Package programs names what the bench builds out of this module.
package programs

import _ "helm.sh/helm/v4/cmd/helm"
