"""The `mshub` command: one module for each verb, and nothing else in the package imports click."""
