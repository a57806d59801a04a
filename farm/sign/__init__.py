"""Signatures: keys, envelopes, and the statement of how an artifact was made. Only the trusted wing signs."""
