//go:build tools

// Package programs names what the bench builds out of this module.
package programs

import _ "github.com/google/go-containerregistry/cmd/crane"
