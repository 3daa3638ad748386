"""Many maps of one galaxy side by side: methods × targets × models."""
