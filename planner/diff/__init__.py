"""Wanted, observed and recorded become a plan of operations, each with cause and dependencies."""
