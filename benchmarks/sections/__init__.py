"""Sections of docs/performance.md: each is made of what one measurement found."""
