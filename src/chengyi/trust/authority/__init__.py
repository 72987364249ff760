"""Authority: who is who. An offline root, regions constrained by name, short-lived certificates, revocation."""
