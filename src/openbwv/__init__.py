"""OpenBWV: body-worn video that can be checked by people who do not trust its owner."""

__version__ = "0.1.0"
