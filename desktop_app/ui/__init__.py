"""WHAT IS SEEN: widgets that show the studio's models and call its verbs."""
