"""The objective F = risk + alpha * penalty, its derivatives, and how far a point is from its minimum."""
