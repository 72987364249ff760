"""Accounts: who may sign in, in which roles."""
