"""HOW to make it: torch and diffusers behind one Protocol; no Qt, no settings, no store."""
