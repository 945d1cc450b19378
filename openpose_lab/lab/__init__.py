"""The lab: what students and instructors use."""
