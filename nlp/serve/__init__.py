"""The HTTP service: ``netralitas serve``. Needs the extra ``serve``."""
