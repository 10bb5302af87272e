"""Where the compiler meets its users: the only layer that catches ``DjustAstError``."""
