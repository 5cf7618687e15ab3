"""Public files: what the manifest lists, downloaded, verified and unpacked."""
