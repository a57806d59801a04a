"""From a plan to results: send, grant, reconcile, watch."""
