"""Tests of ``xcrystal.inverse_design``."""
