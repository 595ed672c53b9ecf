"""Tests of ``xcrystal.evaluation.design``."""
