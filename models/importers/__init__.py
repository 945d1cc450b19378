"""Reading weights out of the formats they are published in, one file each. Nothing is executed."""
