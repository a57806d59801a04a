"""The trusted wing: decides, dispatches, publishes and shows. Never touches a container."""

__version__ = "0.1.0"
