"""Pages of deletion: what it would do, the policy, what waits for a second person, certificates."""
