"""The pages about a channel that people look at: static files beside its index. Pure renderers and one writer."""
