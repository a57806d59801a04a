"""From archives to findings: small checks on the very bytes that will ship."""
